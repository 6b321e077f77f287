"""The program `model-training`: what a person types. The stages themselves are DVC's to run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from model_training import repro
from model_training.moderation.comments import read_comments
from model_training.params import ModerationParams, SentimentParams, load_params
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
    moderation_data: Annotated[
        Path | None, typer.Option(help="A CSV file of comments with six labels, as Jigsaw's; otherwise as above.")
    ] = None,
    project: Project = CHECKOUT,
) -> None:
    """Trains, evaluates and publishes the models (dvc repro). On a failure everything stays as it was."""
    given = {"sentiment": data, "moderation": moderation_data}
    raise typer.Exit(repro.train(project, {task: file for task, file in given.items() if file}, os.environ))


@app.command()
def check(file: Path, project: Project = CHECKOUT) -> None:
    """Checks a table as a training would, and says what it holds: a TSV file of reviews, or a CSV file of comments."""
    tasks = load_params(project / "params.yaml").tasks
    if not file.is_file():
        raise TrainingRefused(f"{file}: no such file")
    typer.echo(_comments(file, tasks.moderation) if file.suffix == ".csv" else _reviews(file, tasks.sentiment))


def _comments(file: Path, params: ModerationParams) -> str:
    table = read_comments(file, file.name, params.prepare)
    labelled = sum(any(comment.labels) for comment in table.comments)
    return f"{file.name}: {table.rows} rows, {table.dropped} dropped as duplicates, {labelled} different ones labelled"


def _reviews(file: Path, params: SentimentParams) -> str:
    limits = params.prepare
    table = read_table(file, name=file.name, max_chars=limits.max_chars, least_per_label=limits.least_per_label)
    positive = sum(review.label for review in table.reviews)
    return f"{file.name}: {table.rows} rows, {table.duplicates} duplicates, {positive} different positive reviews"


def main() -> None:
    try:
        app()
    except TrainingRefused as refusal:
        say(f"model-training: {refusal}")
        sys.exit(1)


if __name__ == "__main__":
    main()
