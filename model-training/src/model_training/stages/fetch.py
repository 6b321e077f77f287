"""fetch: brings the reviews that params.yaml names to data/raw.tsv, and notes where they came from."""

from model_training.params import load_params
from model_training.progress import say
from model_training.source import fetch
from model_training.stages import run_stage
from model_training.stages.places import ORIGIN, RAW


def main() -> None:
    fetched = fetch(load_params().data, RAW, ORIGIN)
    say(f"fetch: {fetched.name} ({fetched.source}), sha256 {fetched.sha256[:12]}")


if __name__ == "__main__":
    run_stage("fetch", main)
