"""The program `model-service` as it is started: command line, settings file, modes, log file."""

import json
import os
import shutil
import signal
import subprocess
import time
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from model_service.settings_sources import PREFIX
from prometheus_client.parser import text_string_to_metric_families
from real_process import PROGRAMS, RealProcess, free_port, running

HOSTILE = b"a\x1b[31m\x9b2J\xe2\x80\xa8\x85%0d%0a%1b%00"


def run(folder: Path, *arguments: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """The program where it ends by itself, started in `folder`."""
    return subprocess.run(
        [PROGRAMS / "model-service", *arguments],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(PREFIX)} | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def write_file(folder: Path, environment: dict[str, str], **more: object) -> Path:
    """The settings in `environment` as a file; without the port."""
    settings = {name.removeprefix(PREFIX).lower(): value for name, value in environment.items()}
    settings |= {"threads": 4, "poll_interval_s": 0.1} | more
    del settings["port"]
    file = folder / "model-service.yaml"
    file.write_text("".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items()))
    return file


@pytest.fixture
def start_with_file(tmp_path):
    """Starts a service by its file: `with start_with_file(file, "--mode", "DEV") as service`."""

    def start(file: Path, *arguments: str) -> AbstractContextManager[RealProcess]:
        port = free_port()
        options = ("--config", file, "--port", str(port), *arguments)
        return running("model-service", {}, tmp_path / "service.log", arguments=options, port=port)

    return start


def test_help_tells_what_comes_before_what(tmp_path):
    done = run(tmp_path, "--help")
    assert done.returncode == 0
    told = " ".join(done.stdout.split())
    assert all(option in told for option in ("--port", "--host", "--mode", "--config", "DEV|TEST|DEPLOY"))
    assert "before MODEL_SERVICE_* in the environment, and that before the file" in told


@pytest.mark.parametrize("arguments", [("--port", "0"), ("--port", "many"), ("--mode", "PROD"), ("--prot", "1")])
def test_a_wrong_command_line_is_refused(tmp_path, arguments):
    done = run(tmp_path, *arguments)
    assert done.returncode == 2
    assert arguments[0] in done.stderr


def test_wrong_settings_end_with_2_and_one_line_that_names_them(tmp_path):
    (tmp_path / "model-service.yaml").write_text("prot: 8083\nauth:\n  tokens: {me: [s3cr3t]}\n")
    done = run(tmp_path)
    assert done.returncode == 2
    (line,) = [json.loads(each) for each in done.stdout.splitlines()]
    assert (line["event"], line["level"]) == ("wrong_settings", "critical")
    assert "model-service.yaml line 1: `prot` is no setting; did you mean port?" in line["reason"]
    assert "model-service.yaml line 3: `auth.tokens`: Input should be a valid string" in line["reason"]
    assert "s3cr3t" not in done.stdout + done.stderr


def test_a_log_file_that_can_not_be_written_ends_with_2(tmp_path, environment):
    write_file(tmp_path, environment, logging={"file": "nowhere/service.log"})
    done = run(tmp_path, "--port", "1")
    assert done.returncode == 2
    assert f"logging.file: {tmp_path}/nowhere/service.log can not be written: No such file" in done.stdout


def test_deploy_refuses_a_placeholder_that_test_takes(tmp_path, environment, start_with_file):
    (tmp_path / "prediction.key").write_bytes(b"changeme" * 4)
    file = write_file(tmp_path, environment, auth={"tokens": {"me": "secret"}})
    refused = run(tmp_path, "--port", "1")
    assert (refused.returncode, "auth.tokens: a secret there is shorter than 16" in refused.stdout) == (2, True)
    file = write_file(tmp_path, environment)
    refused = run(tmp_path, "--port", "1")
    assert (refused.returncode, "a secret there is a placeholder" in refused.stdout) == (2, True)
    with start_with_file(file, "--mode", "TEST") as service:
        assert service.post("/predict", {"text": "The soup was cold."})[0] == 200


def test_the_command_line_comes_before_the_environment(tmp_path, environment):
    port = free_port()
    given = environment | {"MODEL_SERVICE_PORT": "1"}
    log = tmp_path / "service.log"
    with running("model-service", given, log, arguments=("--port", str(port)), port=port) as service:
        assert service.get("/readyz")[0] == 200


def test_a_secrets_file_that_all_may_read_is_warned_of(tmp_path, environment, start_with_file):
    key = tmp_path / "prediction.key"
    file = write_file(tmp_path, environment)
    for mode, warned in ((0o644, [str(key)]), (0o640, [])):
        key.chmod(mode)
        (tmp_path / "service.log").unlink(missing_ok=True)
        with start_with_file(file) as service:
            assert [line["file"] for line in service.lines() if line["event"] == "secret_open_to_all"] == warned


def limit_of(service: RealProcess) -> str:
    return service.post("/predict", {"text": "x" * 3_000})[1]["errors"][0]["detail"]


def test_dev_starts_again_when_the_file_changes_and_survives_a_fault_in_it(tmp_path, environment, start_with_file):
    file = write_file(tmp_path, environment, max_text_chars=10)
    with start_with_file(file, "--mode", "DEV") as service:
        assert "10 characters" in limit_of(service)
        good = file.read_text()
        file.write_text(good + "port\n")
        service.wait_until(lambda: "wrong_settings" in service.log.read_text())
        file.write_text(good.replace("max_text_chars: 10", "max_text_chars: 20"))
        service.wait_until(lambda: "20 characters" in limit_of(service))
        began = time.monotonic()
        service.stop()
        assert time.monotonic() - began < 15
    with pytest.raises(ProcessLookupError):
        os.killpg(service.pid, signal.SIGTERM)


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_all_workers_write_one_log_file_that_rotates_and_nothing_sent_breaks_a_line(
    tmp_path, environment, start_with_file, server
):
    file = write_file(
        tmp_path,
        environment,
        server=server,
        workers=2,
        logging={"file": "logs/service.log", "max_bytes": 10_000, "backups": 50},
    )
    (tmp_path / "logs").mkdir()
    body = b'{"text": "' + b"x" * 20 + b'"}'
    head = b"Host: x\r\nUser-Agent: %b\r\nX-Request-ID: %b\r\nContent-Type: application/json\r\n" % (HOSTILE, HOSTILE)
    request = b"POST /predict?%b HTTP/1.1\r\n%bContent-Length: %d\r\nConnection: close\r\n\r\n%b"
    with start_with_file(file) as service:
        for _ in range(100):
            reply = service.send(request % (HOSTILE.replace(b" ", b""), head, len(body), body))
            assert reply.startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
            assert service.post("/predict", {"text": HOSTILE.decode("latin-1")})[0] == 200
            service.send(b"GET /%b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % HOSTILE)
    files = list((tmp_path / "logs").iterdir())
    assert len(files) > 2
    written = b"".join(each.read_bytes() for each in files)
    assert not set(written) - {*range(32, 127), ord("\n")}
    events = [json.loads(line)["event"] for line in written.splitlines()]
    assert events.count("request") >= 100
    assert sorted(written.splitlines()) == sorted(service.log.read_bytes().splitlines())


@pytest.mark.parametrize("server", ["granian", "gunicorn"])
def test_the_end_of_the_service_reports_once_more(tmp_path, environment, start_with_file, server):
    target = tmp_path / "palate.prom"
    reporting = {"reporter": "textfile", "interval_s": 3_600, "target": "palate.prom"}
    with start_with_file(write_file(tmp_path, environment, server=server, reporting=reporting)) as service:
        for _ in range(5):
            assert service.post("/predict", {"text": "The soup was cold."})[0] == 200
        assert not target.exists()
    families = {family.name: family for family in text_string_to_metric_families(target.read_text())}
    (predicted,) = (
        sample for sample in families["model_service_requests"].samples if sample.labels["route"] == "/predict"
    )
    assert predicted.value == 5


def test_the_example_file_and_a_key_are_all_a_service_needs(tmp_path, bundles, registry):
    example = Path(__file__).parents[2] / "model-service.yaml"
    shutil.copy(example, tmp_path)
    (tmp_path / "prediction.key").write_bytes(os.urandom(32))
    port = free_port()
    options = ("--config", tmp_path / "model-service.yaml", "--port", str(port))
    state = {"MODEL_SERVICE_STATE_FOLDER": str(tmp_path / "state")}
    with running("model-service", state, tmp_path / "log", arguments=options, port=port) as service:
        assert service.get("/version")[1]["model"]
    assert bundles
    assert registry
