"""Who takes part: how each is started, how it is asked, and where its answer stands."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uv import find_uv_bin

from serving_bench.trained import Trained

__all__ = ["CONTENDERS", "Contender", "Dialect", "ScriptContender", "ServiceContender"]

SCRIPTS = Path(__file__).parents[2] / "contenders"


@dataclass(frozen=True)
class Dialect:
    """How one or many texts are asked about; `answers` finds the probabilities of "positive" in the reply."""

    path: str
    body: Callable[[Sequence[str]], Any]
    answers: Callable[[Any], list[float]]


@dataclass(frozen=True, kw_only=True)
class Contender:
    """One server. `exact`: it serves the trained pipeline itself, so its answers must be the pipeline's."""

    name: str
    one: Dialect
    many: Dialect | None
    exact: bool = True

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self, trained: Trained, port: int) -> dict[str, str]:
        raise NotImplementedError

    def prepare(self) -> None:
        """Install what it needs, before anything is measured."""


@dataclass(frozen=True, kw_only=True)
class ScriptContender(Contender):
    """A script in `contenders/` with dependencies of its own, locked beside it."""

    script: str
    settings: Mapping[str, str] = field(default_factory=dict)

    def prepare(self) -> None:
        _uv("sync", "--quiet", "--locked", "--script", str(SCRIPTS / self.script))

    def command(self) -> list[str]:
        return [_uv("python", "find", "--script", str(SCRIPTS / self.script)).strip(), str(SCRIPTS / self.script)]

    def environment(self, trained: Trained, port: int) -> dict[str, str]:
        named = {"BENCH_PIPELINE": trained.pipeline_file, "BENCH_REVIEWS": trained.reviews_file, "BENCH_PORT": port}
        # MLflow looks for its own server on the path.
        path = os.pathsep.join((str(Path(self.command()[0]).parent), os.environ["PATH"]))
        # One thread for linear algebra: for one short text more of them only wait for each other.
        fixed = {"PATH": path, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        return {name: str(value) for name, value in named.items()} | dict(self.settings) | fixed


@dataclass(frozen=True, kw_only=True)
class ServiceContender(Contender):
    """Our model-service as an operator starts it; `settings` are added to the least that it needs."""

    settings: Mapping[str, str] = field(default_factory=dict)

    def command(self) -> list[str]:
        return [str(Path(sys.executable).with_name("model-service"))]

    def environment(self, trained: Trained, port: int) -> dict[str, str]:
        state = trained.folder / f"state-{port}"
        state.mkdir(exist_ok=True)
        needed = {
            "PORT": str(port),
            "REGISTRY": str(trained.registry),
            "ALIAS": trained.alias,
            "STATE_FOLDER": str(state),
            "FEEDBACK_URL": f"sqlite:///{state}/feedback.db",
            "PREDICTION_KEY_FILE": str(trained.prediction_key),
        }
        return {f"MODEL_SERVICE_{name}": value for name, value in {**needed, **self.settings}.items()}


def _uv(*arguments: str) -> str:
    # The environment that runs us must not be taken for the script's.
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    done = subprocess.run(  # noqa: S603 - uv, with our own arguments
        [find_uv_bin(), *arguments], env=environment, stdout=subprocess.PIPE, text=True, check=True, timeout=1800
    )
    return done.stdout


def _first(texts: Sequence[str]) -> str:
    return texts[0]


_ONE = Dialect("/predict", lambda texts: {"text": _first(texts)}, lambda reply: [reply["positive"]])
_MANY = Dialect("/predict-many", lambda texts: {"texts": list(texts)}, lambda reply: reply["positive"])
_OURS = Dialect("/predict", lambda texts: {"text": _first(texts)}, lambda reply: [reply["labels"]["positive"]])
# The others answer probabilities alone, so for many we are asked for these, too.
_OURS_MANY = Dialect(
    "/v2/models/sentiment/infer",
    lambda texts: {
        "inputs": [{"name": "text", "shape": [len(texts)], "datatype": "BYTES", "data": list(texts)}],
        "outputs": [{"name": "probabilities"}],
    },
    lambda reply: reply["outputs"][0]["data"][1::2],
)
_INFER = Dialect(
    "/v2/models/reviews/infer",
    lambda texts: {
        "inputs": [
            {
                "name": "texts",
                "shape": [len(texts), 1],
                "datatype": "BYTES",
                "parameters": {"content_type": "str"},
                "data": list(texts),
            }
        ]
    },
    lambda reply: reply["outputs"][0]["data"],
)
_BENTO = Dialect("/predict", lambda texts: {"text": _first(texts)}, lambda reply: [reply])
_BENTO_MANY = Dialect("/predict_many", lambda texts: {"texts": list(texts)}, lambda reply: reply)
_LIT = Dialect("/predict", lambda texts: {"texts": list(texts)}, lambda reply: reply["positive"])
_MLFLOW = Dialect("/invocations", lambda texts: {"inputs": list(texts)}, lambda reply: reply["predictions"])

CONTENDERS: tuple[Contender, ...] = (
    ScriptContender(name="bare WSGI, constant, granian", script="bare_wsgi.py", one=_ONE, many=None, exact=False),
    ScriptContender(name="Flask, constant, granian", script="constant_flask.py", one=_ONE, many=None, exact=False),
    ServiceContender(name="Palate model-service", one=_OURS, many=_OURS_MANY),
    ServiceContender(
        name="Palate model-service, gunicorn", one=_OURS, many=_OURS_MANY, settings={"SERVER": "gunicorn"}
    ),
    ScriptContender(name="classic, Flask's server", script="classic_flask.py", one=_ONE, many=_MANY, exact=False),
    ScriptContender(name="FastAPI + sklearn, uvicorn", script="fastapi_sklearn.py", one=_ONE, many=_MANY),
    ScriptContender(
        name="MLServer", script="mlserver_sklearn.py", one=_INFER, many=_INFER, settings={"BENCH_WORKERS": "1"}
    ),
    ScriptContender(
        name="MLServer, in-process",
        script="mlserver_sklearn.py",
        one=_INFER,
        many=_INFER,
        settings={"BENCH_WORKERS": "0"},
    ),
    ScriptContender(name="BentoML", script="bentoml_sklearn.py", one=_BENTO, many=_BENTO_MANY),
    ScriptContender(name="LitServe", script="litserve_sklearn.py", one=_LIT, many=_LIT),
    ScriptContender(name="MLflow", script="mlflow_sklearn.py", one=_MLFLOW, many=_MLFLOW),
)
