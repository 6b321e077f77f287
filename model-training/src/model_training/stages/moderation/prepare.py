"""prepare: checks every row, adds the restaurant reviews, and sets the test side apart before anything is fitted."""

from model_training.moderation.comments import read_comments, write_side
from model_training.moderation.splitting import report, split, whole_side
from model_training.params import Prepare, load_params
from model_training.progress import say
from model_training.reviews import read_table
from model_training.source import Fetched
from model_training.stages import run_stage
from model_training.stages.places import CLEAN_REVIEWS, MODERATION
from model_training.whole_files import write_json


def main() -> None:
    whole = load_params()
    params = whole.tasks.moderation
    origin = Fetched.model_validate_json(MODERATION.origin.read_bytes())
    table = read_comments(MODERATION.raw, origin.name, params.prepare)
    everything = whole_side(table, _reviews(params.prepare))
    train, test = split(everything, params.natural_prevalence, params.prepare.test_share, whole.seed)
    write_side(MODERATION.train, train)
    write_side(MODERATION.test, test)
    write_json(MODERATION.report, {**origin.model_dump(), **report(table, train, test)})
    say(
        f"prepare: moderation: {table.rows} rows, {table.dropped} dropped, {int(everything.review.sum())} reviews "
        f"added, {len(train.texts)} texts to train, {len(test.texts)} to test"
    )


def _reviews(limits: Prepare) -> list[str]:
    tables = [
        read_table(
            file, name=file.name.split("-", 1)[1], max_chars=limits.max_chars, least_per_label=limits.least_per_label
        )
        for file in sorted(CLEAN_REVIEWS.iterdir())
    ]
    return [review.text for table in tables for review in table.reviews]


if __name__ == "__main__":
    run_stage("prepare", main)
