"""Where the stages leave what the next ones need, relative to model-training/."""

from pathlib import Path


class Places:
    """The files of one task; `kind` is how its table is written."""

    def __init__(self, task: str, kind: str) -> None:
        self.task = task
        self.data = Path("data") / task
        self.raw, self.origin = self.data / f"raw.{kind}", self.data / "source.json"
        self.train, self.test = self.data / f"train.{kind}", self.data / f"test.{kind}"
        self.report = self.data / "report.json"
        self.metrics = Path("metrics") / f"{task}.json"
        self.plots = Path("plots") / task

    def model(self, model: str) -> Path:
        return Path("models") / self.task / f"{model}.joblib"

    def bundle(self, model: str) -> Path:
        return Path("bundles") / self.task / model


SENTIMENT, MODERATION = Places("sentiment", "tsv"), Places("moderation", "csv")
TASKS = {places.task: places for places in (SENTIMENT, MODERATION)}
CLEAN_REVIEWS = MODERATION.data / "reviews"  # a folder of tables as they were fetched
METRICS, DATA_REPORT = Path("metrics.json"), Path("data-report.json")  # of all tasks, for git
