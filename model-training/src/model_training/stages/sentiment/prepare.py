"""prepare: checks every row, drops duplicates, and sets the test side apart before anything is fitted."""

from model_training.params import load_params
from model_training.progress import say
from model_training.reviews import read_table, write_split
from model_training.source import Fetched
from model_training.splitting import data_report, split
from model_training.stages import run_stage
from model_training.stages.places import SENTIMENT
from model_training.whole_files import write_json


def main() -> None:
    whole = load_params()
    params = whole.tasks.sentiment
    origin = Fetched.model_validate_json(SENTIMENT.origin.read_bytes())
    table = read_table(
        SENTIMENT.raw,
        name=origin.name,
        max_chars=params.prepare.max_chars,
        least_per_label=params.prepare.least_per_label,
    )
    train, test = split(table, params.prepare, whole.seed)
    write_split(SENTIMENT.train, train)
    write_split(SENTIMENT.test, test)
    write_json(SENTIMENT.report, {**origin.model_dump(), **data_report(table, train, test)})
    say(
        f"prepare: sentiment: {table.rows} rows, {table.duplicates} duplicates dropped, "
        f"{len(train)} to train, {len(test)} to test"
    )


if __name__ == "__main__":
    run_stage("prepare", main)
