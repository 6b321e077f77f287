# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "bentoml>=1.4",
#     "joblib>=1.5",
#     "lib-ml[training]",
# ]
#
# [tool.uv.sources]
# lib-ml = { path = "../../../lib-ml", editable = true }
# ///
"""BentoML with the unpickled pipeline, two workers."""

import os

import bentoml
import joblib


@bentoml.service(name="reviews", workers=2, traffic={"timeout": 30}, logging={"access": {"enabled": False}})
class Reviews:
    def __init__(self) -> None:
        self.pipeline = joblib.load(os.environ["BENCH_PIPELINE"])

    @bentoml.api
    def predict(self, text: str) -> float:
        return float(self.pipeline.predict_proba([text])[0, 1])

    @bentoml.api
    def predict_many(self, texts: list[str]) -> list[float]:
        return self.pipeline.predict_proba(texts)[:, 1].tolist()


if __name__ == "__main__":
    bentoml.serve("bentoml_sklearn:Reviews", port=int(os.environ["BENCH_PORT"]), host="127.0.0.1", blocking=True)
