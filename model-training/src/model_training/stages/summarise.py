"""summarise: metrics.json and data-report.json, the figures of all tasks in the two files that git keeps."""

import json

from model_training.stages import run_stage
from model_training.stages.places import DATA_REPORT, METRICS, TASKS
from model_training.whole_files import write_json


def main() -> None:
    write_json(METRICS, {task: json.loads(places.metrics.read_bytes()) for task, places in TASKS.items()})
    write_json(DATA_REPORT, {task: json.loads(places.report.read_bytes()) for task, places in TASKS.items()})


if __name__ == "__main__":
    run_stage("summarise", main)
