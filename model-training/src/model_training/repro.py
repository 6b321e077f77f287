"""`dvc repro` for people and programs: one at a time, and with the workspace put back when it fails."""

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ruamel.yaml import YAML

from model_training.progress import say
from model_training.refusal import TrainingRefused
from model_training.whole_files import whole_file, write_whole

# What a run changes and git keeps; everything else is DVC's to restore.
TOLD = ("params.yaml", "dvc.lock", "metrics.json", "data-report.json")
TABLES = {"sentiment": "a TSV file of reviews", "moderation": "a CSV file of comments with six labels"}
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_AFTER_S = 10
NULL = "tag:yaml.org,2002:null"
PATH_SETTINGS = ("PALATE_REGISTRY", "MODEL_TRAINING_SIGNING_KEY_FILE")


def train(project: Path, data: Mapping[str, Path], environment: Mapping[str, str]) -> int:
    """Trains and publishes by params.yaml; `data` names the table of a task in its place. Returns DVC's exit code.

    Waits while another training runs in `project`. With `data`, params.yaml is changed to name it; when the training
    fails, the files that git keeps are put back. Raises TrainingRefused when there is nothing to train on.
    """
    for task, file in data.items():
        if not file.is_file():
            raise TrainingRefused(f"{file}: no such file: name {TABLES[task]}")
    with alone(project), stoppable() as stops:
        with told_files_kept(project) as keep:
            for task, file in data.items():
                name_data(project / "params.yaml", task, data_path(project, file))
            code = _dvc_repro(project, environment, stops)
            if code == 0 or not data:
                keep()
        if not keep.called:
            _dvc_checkout(project, environment)
    return code


@contextmanager
def alone(project: Path) -> Iterator[None]:
    """Holds the project's lock; waits for it when another training has it. The kernel frees it with the process."""
    folder = project / ".training"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another training runs here: waiting for it to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def told_files_kept(project: Path) -> Iterator["Keep"]:
    """Puts back the files in TOLD at the end of the block, unless the function it yields was called before."""
    before = {project / name: _content(project / name) for name in TOLD}
    keep = Keep()
    try:
        yield keep
    finally:
        if not keep.called:
            for path, content in before.items():
                _restore(path, content)


class Keep:
    called = False

    def __call__(self) -> None:
        self.called = True


@contextmanager
def stoppable() -> Iterator[list[int]]:
    """Yields a list to which each stop signal that arrives in the block is added, instead of ending the program."""
    stops: list[int] = []
    previous = {number: signal.signal(number, lambda got, _: stops.append(got)) for number in STOP_SIGNALS}
    try:
        yield stops
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def name_data(params: Path, task: str, path: str) -> None:
    """Changes the task's data.source and data.path in params.yaml and nothing else: comments and order stay."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 200
    # Else a null elsewhere would be written as nothing at all.
    yaml.representer.add_representer(type(None), lambda writer, _: writer.represent_scalar(NULL, "null"))
    document = yaml.load(params.read_text(encoding="utf-8"))
    section = document["tasks"][task]["data"]
    section["source"], section["path"] = "path", path
    with whole_file(params) as partial, partial.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)


def data_path(project: Path, data: Path) -> str:
    """How params.yaml names `data`: relative when it lies in or beside the checkout, so that a colleague's may too."""
    absolute, neighbourhood = data.absolute().resolve(), project.resolve().parent.parent
    if neighbourhood != Path("/") and absolute.is_relative_to(neighbourhood):
        return os.path.relpath(absolute, project.resolve())
    return str(absolute)


def _dvc_checkout(project: Path, environment: Mapping[str, str]) -> None:
    """Brings back the outputs that dvc.lock names, as far as DVC's cache has them; the next run makes the others."""
    command = [sys.executable, "-m", "dvc", "checkout", "--force", "--quiet"]
    subprocess.run(command, cwd=project, env=dict(environment), stderr=subprocess.DEVNULL, check=False)  # noqa: S603


def _dvc_repro(project: Path, environment: Mapping[str, str], stops: list[int]) -> int:
    """Runs DVC in a process group of its own, and hands every stop signal on to the whole group."""
    told = {**environment, "MODEL_TRAINING_PYTHON": sys.executable, "DVC_NO_ANALYTICS": "1"}
    # The stages work in another folder than the caller.
    told |= {name: str(Path(told[name]).absolute()) for name in PATH_SETTINGS if told.get(name)}
    command = [sys.executable, "-m", "dvc", "repro"]
    process = subprocess.Popen(command, cwd=project, env=told, start_new_session=True)  # noqa: S603 - fixed words
    while True:
        try:
            return process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            if stops:
                return _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> int:
    os.killpg(process.pid, signal.SIGINT)
    try:
        process.wait(timeout=STOP_AFTER_S)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return 130


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _restore(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink(missing_ok=True)
    elif _content(path) != content:
        write_whole(path, content)
