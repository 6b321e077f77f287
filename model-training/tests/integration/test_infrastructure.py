"""The machinery: same seed, same bundle; failures that leave everything as it was; downloads that go wrong."""

import fcntl
import hashlib
import json
import os
import shutil
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from lib_ml.bundle import load_bundle
from lib_ml.manifest import Metric
from lib_ml.registry import FolderRegistry
from model_training.moderation.labels import LABELS
from model_training.params import Data
from model_training.refusal import TrainingRefused
from model_training.source import fetch

from ..conftest import COMMENTS, interrupt, make_workspace, sample_rows, write_table  # noqa: TID252 - it has no other name

ALIASES = ("sentiment/v1", "sentiment/v2", "moderation/v1", "moderation/mlp")


def wait_until(holds, timeout_s=60):
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.05)


# The whole run


@pytest.mark.parametrize("alias", ALIASES)
def test_one_run_publishes_every_model_with_its_data_and_figures(alias, trained):
    task, version = alias.split("/")
    figures = json.loads((trained.project / "metrics.json").read_bytes())[task][version]
    manifest = load_bundle(trained.registry.bundle_folder(trained.registry.resolve(alias))).manifest
    assert (manifest.task, manifest.name, manifest.version) == (task, task, version)
    expected = {"sentiment": ("reviews.tsv", 200), "moderation": ("comments.csv", 892)}[task]
    assert (manifest.data.source, manifest.data.name, manifest.data.rows) == ("sample", *expected)
    if task == "sentiment":
        told = figures["cross_validation"]
    else:
        told = {f"{who}.{name}": one for who, named in figures["held_out"].items() for name, one in named.items()}
        told["reviews.flagged"] = figures["reviews"]["held_out"]["share"]
        assert manifest.thresholds == figures["thresholds"]
    assert dict(manifest.metrics) == {name: Metric(**figure) for name, figure in told.items()}


def test_the_plots_are_there_as_data_and_as_pictures(trained):
    names = {"calibration", "confusion", "learning_curve", "precision_recall", "roc"}
    plots = trained.project / "plots" / "sentiment"
    assert {path.stem for path in plots.glob("*.png")} == names
    for model in ("v1", "v2"):
        assert {path.stem for path in (plots / model).glob("*.csv")} == names
    names, plots = {"calibration", "precision_recall", "roc"}, trained.project / "plots" / "moderation"
    assert {path.stem for path in plots.glob("*.png")} == names
    for folder in [plots / model / label for model in ("v1", "mlp") for label in LABELS]:
        assert {path.stem for path in folder.glob("*.csv")} == names
    pictures = [*(trained.project / "plots").rglob("*.png")]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in pictures)


def test_a_run_without_changes_trains_nothing_and_still_fills_another_registry(unchanged, tmp_path):
    # A relative folder is the caller's, wherever the stages work.
    relative = os.path.relpath(tmp_path / "second", unchanged.project)
    done = unchanged.train(PALATE_REGISTRY=relative)
    assert done.returncode == 0, done.stderr
    assert "Stage 'train-sentiment@v2' didn't change" in done.stdout
    assert "Stage 'evaluate-sentiment' didn't change" in done.stdout
    assert "Stage 'train-moderation@mlp' didn't change" in done.stdout
    for alias in ALIASES:
        assert FolderRegistry(tmp_path / "second").resolve(alias) == unchanged.registry.resolve(alias)


def test_stages_run_twice_write_the_same_bytes(unchanged):
    names = ["data/sentiment/train.tsv", "data/sentiment/test.tsv", "models/sentiment/v2.joblib"]
    names += ["data/moderation/train.csv", "data/moderation/test.csv", "models/moderation/mlp.joblib"]
    names += ["metrics/moderation.json", "plots/moderation/roc.png"]
    outputs = [unchanged.project / name for name in names]
    before = [path.read_bytes() for path in outputs]
    stages = [("sentiment.prepare",), ("sentiment.train", "v2"), ("moderation.prepare",)]
    for stage in (*stages, ("moderation.train", "mlp"), ("moderation.evaluate",)):
        assert unchanged.run("./stage", *stage).returncode == 0
    assert [path.read_bytes() for path in outputs] == before


def test_no_bundle_tells_where_or_when_it_was_made(trained):
    for path in trained.registry.root.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert str(trained.root).encode() not in content
            assert time.strftime("%Y-%m").encode() not in content


def test_dvc_sees_the_metrics_and_the_plots(unchanged):
    shown = unchanged.run(sys.executable, "-m", "dvc", "metrics", "show", "--json")
    found = json.loads(shown.stdout)[""]["data"]["metrics.json"]["data"]
    accuracy = found["sentiment"]["v2"]["cross_validation"]["accuracy"]
    assert accuracy["low"] <= accuracy["value"]
    assert set(found["moderation"]["v1"]["held_out"]) == {"mean", *LABELS}
    plots = unchanged.run(sys.executable, "-m", "dvc", "plots", "show", "--out", str(unchanged.root / "shown"))
    assert plots.returncode == 0, plots.stderr
    page = (unchanged.root / "shown" / "index.html").read_text(encoding="utf-8")
    assert "roc.png" in page
    assert "learning_curve" in page


# Data of one's own, and what a failure leaves behind


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory):
    """A second workspace, trained with the same seed on the same data."""
    workspace = make_workspace(tmp_path_factory.mktemp("elsewhere"))
    done = workspace.train()
    assert done.returncode == 0, done.stderr
    return workspace


def test_the_same_seed_gives_the_same_bundles_in_another_place_and_registry(trained, elsewhere):
    for alias in ALIASES:
        assert elsewhere.registry.resolve(alias) == trained.registry.resolve(alias)


def test_training_on_a_file_names_it_and_a_change_of_the_file_is_noticed(elsewhere, tmp_path):
    own = write_table(tmp_path / "my reviews.tsv", sample_rows(120))
    assert elsewhere.train("--data", str(own)).returncode == 0
    data = load_bundle(elsewhere.registry.bundle_folder(elsewhere.registry.resolve("sentiment/v2"))).manifest.data
    assert (data.source, data.name, data.rows) == ("path", "my reviews.tsv", 120)
    assert data.sha256 == hashlib.sha256(own.read_bytes()).hexdigest()
    write_table(own, sample_rows(121))
    assert elsewhere.train().returncode == 0
    data = load_bundle(elsewhere.registry.bundle_folder(elsewhere.registry.resolve("sentiment/v2"))).manifest.data
    assert data.rows == 121


def test_both_tasks_can_be_trained_on_files_at_once(elsewhere, tmp_path):
    reviews = write_table(tmp_path / "mine.tsv", sample_rows(120))
    comments = tmp_path / "mine.csv"
    comments.write_bytes(b"".join(COMMENTS.read_bytes().splitlines(keepends=True)[:801]))
    assert elsewhere.train("--data", str(reviews), "--moderation-data", str(comments)).returncode == 0
    data = load_bundle(elsewhere.registry.bundle_folder(elsewhere.registry.resolve("moderation/mlp"))).manifest.data
    assert (data.source, data.name, data.rows) == ("path", "mine.csv", 800)
    assert data.sha256 == hashlib.sha256(comments.read_bytes()).hexdigest()


def test_bad_comments_fail_with_one_line_and_leave_everything_as_it_was(unchanged, tmp_path):
    (tmp_path / "bad.csv").write_bytes(COMMENTS.read_bytes() + b"x,odd,1,0,0,0,0,2\n")
    done = unchanged.train("--moderation-data", str(tmp_path / "bad.csv"))
    assert done.returncode not in {0, 130}
    assert "prepare: bad.csv: line 894: identity_hate is neither 1 nor 0" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Review\tLiked\nfine\t1\nbroken line\n", "prepare: bad.tsv: line 3: 1 column instead of 2"),
        (b"", "prepare: bad.tsv: empty"),
        (
            b"Review\tLiked\n" + b"".join(b"good %d\t1\n" % at for at in range(50)),
            "prepare: bad.tsv: no negative review",
        ),
    ],
)
def test_bad_data_fails_with_one_line_and_leaves_everything_as_it_was(content, expected, unchanged, tmp_path):
    (tmp_path / "bad.tsv").write_bytes(content)
    done = unchanged.train("--data", str(tmp_path / "bad.tsv"))
    assert done.returncode not in {0, 130}
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(unchanged.root.rglob("*.partial"))


def test_after_a_failure_the_next_run_trains_nothing_anew(unchanged, tmp_path):
    (tmp_path / "bad.tsv").write_bytes(b"no header\n")
    assert unchanged.train("--data", str(tmp_path / "bad.tsv")).returncode != 0
    done = unchanged.train()
    assert done.returncode == 0
    assert "Stage 'train-sentiment@v2' didn't change" in done.stdout


def test_a_file_that_is_not_there_is_refused_at_once(unchanged, tmp_path):
    done = unchanged.train("--data", str(tmp_path / "none.tsv"))
    assert done.returncode == 1
    assert "none.tsv: no such file" in done.stderr.replace("\n", "")


def test_a_stop_leaves_everything_as_it_was(unchanged, tmp_path):
    write_table(tmp_path / "other.tsv", sample_rows(150))
    process = unchanged.start_training("--data", str(tmp_path / "other.tsv"))
    params = unchanged.project / "params.yaml"
    wait_until(lambda: b"other.tsv" in params.read_bytes() or process.poll() is not None)
    wait_until(lambda: (unchanged.project / "dvc.lock").read_bytes().count(b"other.tsv") or process.poll() is not None)
    output = interrupt(process)
    assert process.returncode == 130, output
    assert not list(unchanged.root.rglob("*.partial"))


def test_a_second_training_waits_for_the_first(unchanged, tmp_path):
    (tmp_path / "bad.tsv").write_bytes(b"no header\n")
    lock = unchanged.project / ".training" / "lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        process = unchanged.start_training("--data", str(tmp_path / "bad.tsv"))
        assert process.stderr is not None
        assert "another training runs here" in process.stderr.readline()
        assert process.poll() is None
    _, errors = process.communicate(timeout=120)
    assert "bad.tsv: line 1" in errors


# Publishing


def test_an_experiment_is_not_published(unchanged, tmp_path):
    elsewhere = {"DVC_EXP_NAME": "try-1", "PALATE_REGISTRY": str(tmp_path / "other")}
    done = unchanged.run("./stage", "sentiment.publish", "v1", **elsewhere)
    assert done.returncode == 0, done.stderr
    assert "sentiment/v1 is the experiment try-1: not published" in done.stderr
    assert not (tmp_path / "other").exists()


def test_a_registry_that_cannot_be_written_is_named(unchanged, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    done = unchanged.run("./stage", "sentiment.publish", "v1", PALATE_REGISTRY=str(tmp_path / "file"))
    assert done.returncode == 1
    assert "name a writable folder in PALATE_REGISTRY" in done.stderr


def test_a_model_that_cannot_be_folded_is_compared_but_never_published(trained, tmp_path):
    root = tmp_path / "gaussian"
    shutil.copytree(trained.root, root, symlinks=True)
    other = type(trained)(root, {**trained.environment, "PALATE_REGISTRY": str(root / "registry")})
    other.set("tasks.sentiment.models.v1.classifier", {"kind": "gaussian_nb"})
    before = {alias: other.registry.resolve(alias) for alias in ALIASES}
    assert other.run("./stage", "sentiment.train", "v1").returncode == 0
    assert other.run("./stage", "sentiment.evaluate").returncode == 0
    done = other.run("./stage", "sentiment.publish", "v1")
    assert done.returncode == 1
    assert "models.v1: GaussianNB can't be folded" in done.stderr
    assert {alias: other.registry.resolve(alias) for alias in ALIASES} == before
    assert load_bundle(other.project / "bundles" / "sentiment" / "v1").sha256 == before["sentiment/v1"]


def test_a_signed_bundle_is_verified_by_the_public_key(unchanged, tmp_path):
    key = Ed25519PrivateKey.generate()
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(private)
    signed = {"MODEL_TRAINING_SIGNING_KEY_FILE": str(tmp_path / "key.pem"), "PALATE_REGISTRY": str(tmp_path / "signed")}
    assert unchanged.run("./stage", "sentiment.publish", "v1", **signed).returncode == 0
    registry = FolderRegistry(tmp_path / "signed")
    assert load_bundle(registry.bundle_folder(registry.resolve("sentiment/v1")), public_key=public)
    assert unchanged.run("./stage", "sentiment.publish", "v1").returncode == 0


def test_a_classifier_that_does_not_converge_is_refused(trained, tmp_path):
    root = tmp_path / "steps"
    shutil.copytree(trained.root, root, symlinks=True)
    other = type(trained)(root, trained.environment)
    other.set("tasks.sentiment.models.v2.classifier.max_iter", 1)
    done = other.run("./stage", "sentiment.train", "v2")
    assert done.returncode == 1
    assert "models.v2.classifier: did not converge: raise max_iter" in done.stderr


def test_the_check_command_tells_what_a_training_would_say(unchanged, tmp_path):
    write_table(tmp_path / "own.tsv", [*sample_rows(60), sample_rows(1)[0]])
    done = unchanged.run(sys.executable, "-m", "model_training.cli", "check", str(tmp_path / "own.tsv"))
    assert done.stdout.startswith("own.tsv: 61 rows, 1 duplicates, ")
    (tmp_path / "own.tsv").write_bytes(b"Review\tLiked\nx\t7\n")
    done = unchanged.run(sys.executable, "-m", "model_training.cli", "check", str(tmp_path / "own.tsv"))
    assert done.returncode == 1
    assert "own.tsv: line 2: the label is neither" in done.stderr
    done = unchanged.run(sys.executable, "-m", "model_training.cli", "check", str(COMMENTS))
    assert done.stdout == "comments.csv: 892 rows, 0 dropped as duplicates, 404 different ones labelled\n"


# Downloading

BODY = b"Review\tLiked\nfine\t1\nawful\t0\n"


class Server(BaseHTTPRequestHandler):
    """Answers by path: each path is a way in which a download goes right or wrong."""

    def do_GET(self):
        match self.path.strip("/").split("/")[0]:
            case "good":
                self.answer(BODY, len(BODY))
            case "moved":
                self.send_response(302)
                self.send_header("Location", "/good/reviews.tsv")
                self.end_headers()
            case "truncated":
                self.answer(BODY[:10], len(BODY))
            case "endless":
                self.answer(b"x" * 200_000, None)
            case "drip":
                self.answer(b"", len(BODY))
                self.drip()
            case "silent":
                time.sleep(1)
            case "broken":
                self.send_error(500)
            case _:
                self.send_error(404)

    def answer(self, body, length):
        self.send_response(200)
        if length is not None:
            self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(body)

    def drip(self):
        try:
            for byte in BODY:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(0.1)
        except OSError:
            pass  # the client gave up, as it should

    def log_message(self, *_: object):
        pass


@pytest.fixture(scope="module")
def server():
    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        thread.join()


def published(url, **changes: object):
    limits = {"timeout_s": 0.5, "deadline_s": 1, "max_megabytes": 0.1, "sha256": hashlib.sha256(BODY).hexdigest()}
    return Data.model_validate({"source": "published", "sample": "-", "published": {"url": url, **limits, **changes}})


def fetched_to(folder, data):
    return fetch(data, folder / "raw", folder / "source.json", task="sentiment")


@pytest.mark.parametrize("path", ["good", "moved"])
def test_a_published_file_is_downloaded_and_named(path, server, tmp_path):
    fetched = fetched_to(tmp_path, published(f"{server}/{path}/my%20reviews.tsv"))
    assert (tmp_path / "raw").read_bytes() == BODY
    assert (fetched.source, fetched.name) == ("published", "my reviews.tsv")


def test_a_file_that_is_here_already_is_not_downloaded_again(tmp_path):
    (tmp_path / "raw").write_bytes(BODY)
    fetched_to(tmp_path, published("http://127.0.0.1:9/nobody.tsv"))
    assert (tmp_path / "source.json").is_file()


@pytest.mark.parametrize(
    ("path", "changes", "expected"),
    [
        ("gone", {}, "the server answered 404 Not Found"),
        ("broken", {}, "the server answered 500"),
        ("truncated", {}, "peer closed connection"),
        ("good", {"sha256": "0" * 64}, "its sha256 is"),
        ("endless", {}, "larger than 0.1 MB"),
        ("drip", {}, "not finished within 1 s"),
        ("silent", {}, "timed out"),
    ],
)
def test_a_failed_download_is_refused_and_keeps_the_old_file(path, changes, expected, server, tmp_path):
    (tmp_path / "raw").write_bytes(b"old")
    with pytest.raises(TrainingRefused, match=expected) as refused:
        fetched_to(tmp_path, published(f"{server}/{path}/reviews.tsv", **changes))
    assert str(refused.value).startswith(f"{server}/{path}/reviews.tsv: ")
    assert [file.name for file in tmp_path.iterdir()] == ["raw"]
    assert (tmp_path / "raw").read_bytes() == b"old"


def test_a_server_that_is_not_there_is_named(tmp_path):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/reviews.tsv"
        with pytest.raises(TrainingRefused, match="which need no network"):
            fetched_to(tmp_path, published(url))


def test_a_failed_download_fails_the_stage_with_exit_code_1(server, trained, tmp_path):
    root = tmp_path / "download"
    shutil.copytree(trained.root, root, symlinks=True)
    other = type(trained)(root, trained.environment)
    other.set("tasks.sentiment.data.source", "published")
    other.set("tasks.sentiment.data.published.url", f"{server}/gone/reviews.tsv")
    done = other.run("./stage", "fetch", "sentiment")
    assert done.returncode == 1
    assert "fetch: " in done.stderr
    assert "404" in done.stderr


def test_a_folder_as_data_is_refused(tmp_path):
    data = Data.model_validate({**published("http://h/x").model_dump(), "source": "path", "path": str(tmp_path)})
    with pytest.raises(TrainingRefused, match=r"name a readable file in tasks\.sentiment\.data\.path"):
        fetched_to(tmp_path, data)
