"""Starting and ending: what is said, what is refused, and that nothing is left behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from running_stack import PALATE, RunningStack, free_gateway_port, wait_for

CHECKOUT = Path(sys.prefix).parent

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(300)]


def left_behind(home):
    """Processes that name the folder in their command or environment, and sockets in it."""
    found = [str(path) for path in home.rglob("*") if path.is_socket()]
    for process in psutil.process_iter():
        try:
            named = [*process.cmdline(), *process.environ().values()]
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        if process.pid != os.getpid() and process.status() != psutil.STATUS_ZOMBIE and str(home) in " ".join(named):
            found.append(" ".join(process.cmdline()))
    return found


def test_two_stacks_run_side_by_side_and_a_third_on_the_same_folder_is_refused(stack, environment):
    second = RunningStack(environment)
    try:
        second.wait_until_ready()
        assert {*second.processes()} == {*stack.processes()}
        assert second.palate("weight", "70").returncode == 0
        assert '"weight_percent": 10' in (stack.home / "release.json").read_text()

        third = RunningStack({**environment, "PALATE_PORT": str(free_gateway_port())})
        assert third.end(signal.SIGCONT) == 1
        assert f"in use by the stack on port {environment['PALATE_PORT']}" in third.output.read_text()
    finally:
        second.end()


@pytest.mark.parametrize(
    ("ending", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGKILL, -9)]
)
def test_however_it_ends_nothing_is_left_behind(environment, ending, code):
    stack = RunningStack(environment)
    stack.wait_until_ready()
    # supervisord; the gateway and four services, each with what keeps it; one worker an app, two a model-service
    assert len(stack.processes()) == 17
    assert stack.end(ending) == code
    wait_for(lambda: not left_behind(stack.home), 20)
    assert stack.palate("doctor").returncode == 0


def test_it_can_be_ended_while_it_is_still_starting(measured):
    stack = RunningStack(measured)
    started = stack.home / "supervisor" / "supervisord.pid"
    wait_for(started.exists, 60)
    assert stack.end() == 0
    assert left_behind(stack.home) == []


def test_it_can_be_ended_while_one_supervisor_takes_over_from_another(measured):
    stack = RunningStack(measured)
    stack.wait_until_ready()
    stack.processes()["supervisord"].kill()
    wait_for(lambda: "takes over" in stack.output.read_text() and "supervisord" in stack.processes(), 30)
    assert stack.end() == 0
    assert left_behind(stack.home) == []


def test_a_port_in_use_stops_the_start_and_is_named(measured):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", int(measured["PALATE_PORT"]) + 3))
        listener.listen()
        done = subprocess.run([PALATE, "up"], env=measured, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"port {int(measured['PALATE_PORT']) + 3} for model-service-v1 is in use" in done.stderr
    assert "PALATE_PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_that_cannot_start_is_named_with_the_end_of_its_log(measured, tmp_path):
    """A store that is no database: the migration says so before anything is started."""
    (tmp_path / "home" / "palate.db").write_text("this is no database, and longer than its header would be" * 20)
    done = subprocess.run([PALATE, "up"], env=measured, capture_output=True, text=True, timeout=90, check=False)
    assert done.returncode == 1
    assert "migrating the store" in done.stderr
    assert left_behind(tmp_path / "home") == []


def test_settings_that_cannot_be_are_refused_without_a_traceback(measured):
    for variables, named in (({"PALATE_PORT": "70000"}, "PALATE_PORT"), ({"PALATE_HOME": "/proc/none"}, "/proc/none")):
        done = subprocess.run(
            [PALATE, "up"], env={**measured, **variables}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 1
        assert named in done.stderr
        assert "Traceback" not in done.stderr


def test_a_weight_for_a_stack_that_never_was_is_refused(measured, tmp_path):
    nowhere = {**measured, "PALATE_HOME": str(tmp_path / "nowhere")}
    done = subprocess.run(
        [PALATE, "weight", "50"], env=nowhere, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 1
    assert "make run" in done.stderr


def test_a_training_that_fails_stops_the_start_and_leaves_no_stack(measured, tmp_path):
    """No model and reviews that are not there: the training's own words, then ours."""
    home = tmp_path / "empty"
    missing = {**measured, "PALATE_HOME": str(home)}
    done = subprocess.run(
        [PALATE, "train", "--data", str(tmp_path / "none.tsv")],
        env=missing, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "none.tsv" in done.stdout + done.stderr
    assert "training ended with code" in done.stderr
    assert not list((home / "registry").rglob("*.json"))


def make_run(environment):
    """`make run` in a process group of its own, without installing anything."""
    return subprocess.Popen(
        ["make", "-o", ".venv/.installed-run", "run"],
        cwd=CHECKOUT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_on_make_run_ends_everything_and_make_says_nothing_of_its_own(environment):
    """The signal goes to the whole group, as from a terminal."""
    run = make_run(environment)
    lines = []
    for line in run.stdout:
        lines.append(line)
        if line.startswith("ready: "):
            os.killpg(run.pid, signal.SIGINT)
    run.wait(60)
    run.stdout.close()
    assert lines[-1] == "all stopped\n"
    assert not [line for line in lines if line.startswith("make")]


def test_a_killed_make_takes_the_stack_with_it(environment, tmp_path):
    run = make_run(environment)
    while not run.stdout.readline().startswith("ready: "):
        assert run.poll() is None
    run.kill()
    run.wait(10)
    run.stdout.close()
    wait_for(lambda: not left_behind(tmp_path / "home"), 30)
