"""The real `palate up` with small real models, and ways to look at it from outside."""

import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import httpx
import psutil
from lib_ml.manifest import DataSource, Metric
from lib_ml.registry import FolderRegistry
from lib_ml.training import PipelineParams, build_pipeline, compile_bundle
from local_stack.doctor import port_troubles
from local_stack.ports import Ports
from local_stack.programs import KEEPER
from small_models import make_moderator

PALATE = str(Path(sys.executable).with_name("palate"))
PRAISE = ("lovely food", "kind staff and a fair price", "great soup", "we will be back", "the best pasta in town")
BLAME = ("cold soup", "rude staff", "we waited an hour", "never again", "the worst pasta in town")
START_TIMEOUT_S = 120


class RunningStack:
    """One `palate up` in a process group of its own, as a shell would start it."""

    def __init__(self, environment) -> None:
        self.environment = environment
        self.home = Path(environment["PALATE_HOME"])
        self.ports = Ports.following(int(environment["PALATE_PORT"]))
        self.url = f"http://127.0.0.1:{self.ports.gateway}"
        self.output = self.home.with_name(f"{self.home.name}.output")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [PALATE, "up"], env=environment, stdout=output, stderr=output, start_new_session=True
            )

    def wait_until_ready(self):
        wait_for(lambda: "ready: " in self.output.read_text() or self.process.poll() is not None, START_TIMEOUT_S)
        assert self.process.poll() is None, self.output.read_text()

    def lines(self):
        return self.output.read_text().splitlines()

    def palate(self, *arguments: str):
        return subprocess.run(
            [PALATE, *arguments],
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def processes(self):
        """Every process by its name.

        A service's workers are `<name> worker`, `<name> worker 2` and so on, what stays with it `<name> keeper`.
        """
        found = {}
        for process in psutil.Process(self.process.pid).children(recursive=True):
            try:
                name = name_of(process)
            except psutil.NoSuchProcess:
                continue
            workers = sum(each.startswith(name) for each in found) if name.endswith(" worker") else 0
            found.setdefault(f"{name} {workers + 1}" if workers else name, process)
        return found

    def end(self, signal_number=signal.SIGINT):
        """Send the signal and return the exit code; whatever is left afterwards is the test's to find."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(60)


def name_of(process):
    command, environment = process.cmdline(), process.environ()
    if any("prompt_supervisord" in word for word in command):
        return "supervisord"
    if "APP_RELEASE" in environment:
        name = f"app-{environment['APP_RELEASE']}"
    elif "MODEL_SERVICE_ALIAS" in environment:
        name = f"model-service-{environment['MODEL_SERVICE_ALIAS'].removeprefix('sentiment/')}"
    else:
        name = "gateway"
    if str(KEEPER) in command:
        return f"{name} keeper"
    return f"{name} worker" if process.parent().cmdline() == command else name


def asking_for(version):
    """The headers with which a visitor surely meets that version."""
    return {"x-newvers": "true"} if version == "v2" else {"cookie": "palate_r1=99"}


def write_review(client, version, text="lovely food"):
    """The reply to one new review, or None when there was none."""
    try:
        return client.post("/api/reviews", json={"text": text}, headers=asking_for(version))
    except httpx.HTTPError:
        return None


def wait_for(condition, timeout_s, pause_s=0.05):
    """What the condition answers once it holds; a process that ends while it is looked at is looked at again."""
    deadline = time.monotonic() + timeout_s
    while True:
        with suppress(psutil.NoSuchProcess):
            if answer := condition():
                return answer
        assert time.monotonic() < deadline, f"not within {timeout_s} s"
        time.sleep(pause_s)


def free_gateway_port():
    """A port from which on all of a stack's ports are free, and none is lent to an outgoing connection meanwhile."""
    blocks = random.SystemRandom().sample(range(20_000, 32_000, 10), 100)
    return next(port for port in blocks if not port_troubles(Ports.following(port)))


def small_models(folder):
    """The folder, now a registry with a v1 and a v2 of twenty reviews, and two models that moderate."""
    for version, features in (("v1", {}), ("v2", {"negation_reach": 3, "valence": {"lexicons": ["afinn"]}})):
        train_small(folder, version, **features)
    for name, alias in (("logistic", "moderation/v1"), ("mlp", "moderation/mlp")):
        FolderRegistry(folder).publish(make_moderator(folder / f"moderator-{name}", name).folder, alias)
    return folder


def train_small(registry, version, regularisation=1.0, **features: object):
    """Publish a model of twenty reviews as sentiment/<version>; returns its sha256."""
    described = {"words": {"ngrams": [1, 1]}, **features}
    params = PipelineParams.model_validate(
        {"version": version, "classifier": {"kind": "logistic_regression", "C": regularisation}, **described}
    )
    texts, labels = [*PRAISE * 2, *BLAME * 2], [1] * 10 + [0] * 10
    bundle = registry / f"trained-{version}-{regularisation}"
    compile_bundle(
        build_pipeline(params).fit(texts, labels),
        params,
        bundle,
        task="sentiment",
        labels=("negative", "positive"),
        data=DataSource(source="path", name="reviews.tsv", rows=len(texts), sha256="0" * 64),
        metrics={"accuracy": Metric(value=0.9, low=0.8, high=1.0)},
        texts=texts,
    )
    return FolderRegistry(registry).publish(bundle, f"sentiment/{version}")
