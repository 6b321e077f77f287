"""fetch: brings the table that params.yaml names for a task to data/<task>/, and notes where it came from."""

import sys
from pathlib import Path

from model_training.params import load_params
from model_training.progress import say
from model_training.source import copy, fetch
from model_training.stages import run_stage
from model_training.stages.places import CLEAN_REVIEWS, MODERATION, TASKS
from model_training.whole_files import whole_folder


def main(task: str) -> None:
    params, places = load_params(), TASKS[task]
    data = params.tasks.moderation.data if places is MODERATION else params.tasks.sentiment.data
    fetched = fetch(data, places.raw, places.origin, task=task)
    if places is MODERATION:
        _fetch_clean_reviews(params.tasks.moderation.data.reviews)
    say(f"fetch: {task}: {fetched.name} ({fetched.source}), sha256 {fetched.sha256[:12]}")


def _fetch_clean_reviews(files: tuple[str, ...]) -> None:
    with whole_folder(CLEAN_REVIEWS) as folder:
        for number, file in enumerate(files):
            copy(Path(file), folder / f"{number}-{Path(file).name}", key="tasks.moderation.data.reviews")


if __name__ == "__main__":
    run_stage("fetch", lambda: main(sys.argv[1]))
