# /// script
# requires-python = ">=3.11,<3.13"
# dependencies = [
#     "joblib>=1.5",
#     "lib-ml[training]",
#     "mlflow>=3.6",
#     "pandas>=2",
# ]
#
# [tool.uv.sources]
# lib-ml = { path = "../../../lib-ml", editable = true }
# ///
"""MLflow: the pipeline logged as a pyfunc model, then `mlflow models serve` on one worker, its faster way."""

import os
import sys
from pathlib import Path
from tempfile import mkdtemp

import joblib
import mlflow


class Reviews(mlflow.pyfunc.PythonModel):
    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.pipeline = joblib.load(context.artifacts["pipeline"])

    def predict(self, model_input: list[str]) -> list[float]:
        return self.pipeline.predict_proba(list(model_input))[:, 1].tolist()


if __name__ == "__main__":
    folder = Path(mkdtemp()) / "model"
    artifacts = {"pipeline": os.environ["BENCH_PIPELINE"]}
    mlflow.pyfunc.save_model(folder, python_model=Reviews(), artifacts=artifacts, pip_requirements=[])
    served = ["models", "serve", "-m", str(folder), "-p", os.environ["BENCH_PORT"], "-w", "1", "--env-manager", "local"]
    os.execv(sys.executable, [sys.executable, "-m", "mlflow", *served])  # noqa: S606 - mlflow's own command line
