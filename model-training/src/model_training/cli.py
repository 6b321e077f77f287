"""The program `model-training`: what a person types. The stages themselves are DVC's to run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from model_training import repro
from model_training.params import load_params
from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.reviews import read_table

CHECKOUT = Path(__file__).parents[2]

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Project = Annotated[
    Path, typer.Option(envvar="MODEL_TRAINING_PROJECT", help="The folder with dvc.yaml and params.yaml.")
]


@app.command()
def train(
    data: Annotated[
        Path | None, typer.Option(help="A TSV file of reviews; without it params.yaml says what to train on.")
    ] = None,
    project: Project = CHECKOUT,
) -> None:
    """Trains, evaluates and publishes the models (dvc repro). On a failure everything stays as it was."""
    raise typer.Exit(repro.train(project, data, os.environ))


@app.command()
def check(file: Path, project: Project = CHECKOUT) -> None:
    """Checks a TSV file of reviews as a training would, and says what it holds."""
    limits = load_params(project / "params.yaml").prepare
    if not file.is_file():
        raise TrainingRefused(f"{file}: no such file")
    table = read_table(file, name=file.name, max_chars=limits.max_chars, least_per_label=limits.least_per_label)
    positive = sum(review.label for review in table.reviews)
    typer.echo(f"{file.name}: {table.rows} rows, {table.duplicates} duplicates, {positive} different positive reviews")


def main() -> None:
    try:
        app()
    except TrainingRefused as refusal:
        say(f"model-training: {refusal}")
        sys.exit(1)


if __name__ == "__main__":
    main()
