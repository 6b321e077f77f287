"""The keeper between supervisor and program, each real, each killed."""

import os
import signal
import subprocess
import sys

import psutil
import pytest
from local_stack.programs import KEEPER, kept
from running_stack import wait_for

#: Starts the rest of its arguments, says their process, and waits.
PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:], stdout=open("/dev/null", "w"))
print(child.pid, flush=True)
time.sleep(60)
"""
#: A stack that adopts orphans and buries them; its child is the parent above.
STACK = """
import ctypes, os, subprocess, sys, time
ctypes.CDLL(None).prctl(36, 1)
command = [word.replace("STACK", str(os.getpid())) for word in sys.argv[1:]]
supervisor = subprocess.Popen(command)
print(supervisor.pid, flush=True)
supervisor.wait()
time.sleep(60)
"""


def gone(process):
    return not psutil.pid_exists(process.pid) or not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def test_the_program_keeps_its_arguments_output_and_exit_code():
    command = kept(1, "/bin/sh", "-c", 'echo "$1"; echo problem >&2; exit 7', "sh", "two words")
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    assert (done.stdout, done.returncode) == ("two words\nproblem\n", 7)


def test_long_output_arrives_whole():
    command = kept(1, "/bin/sh", "-c", "head -c 3000000 /dev/zero")
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    assert len(done.stdout) == 3_000_000


def test_a_program_that_is_not_there_is_named():
    done = subprocess.run(kept(1, "/bin/no-such-program"), stdout=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 127
    assert done.stdout == "/bin/no-such-program does not start: No such file or directory\n"


def test_a_killed_program_ends_its_keeper():
    with subprocess.Popen(kept(1, "/bin/sleep", "60")) as keeper:
        program = only_child(psutil.Process(keeper.pid))
        program.kill()
        assert keeper.wait(10) == 128 + signal.SIGKILL


def test_a_killed_keeper_takes_its_program_along():
    with subprocess.Popen(kept(1, "/bin/sleep", "60")) as keeper:
        program = only_child(psutil.Process(keeper.pid))
        keeper.kill()
    wait_for(lambda: gone(program), 10)


def test_the_programs_group_is_ended_gently_by_one_signal():
    script = 'trap "echo bye; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
    keeper = subprocess.Popen(kept(1, "/bin/sh", "-c", script), stdout=subprocess.PIPE, text=True, process_group=0)
    with keeper:
        assert keeper.stdout.readline() == "ready\n"
        os.killpg(keeper.pid, signal.SIGTERM)
        assert keeper.stdout.read().endswith("bye\n")
    assert keeper.returncode == 3


def test_a_program_outlives_its_supervisor_but_not_the_stack_and_may_write_all_the_time():
    chatter = "while :; do echo a line that nobody reads; sleep 0.01; done"
    kept_by_stack = (sys.executable, "-I", "-S", str(KEEPER), "STACK", "/bin/sh", "-c", chatter)
    command = [sys.executable, "-c", STACK, sys.executable, "-c", PARENT, *kept_by_stack]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as stack:
        try:
            supervisor, keeper = (psutil.Process(int(stack.stdout.readline())) for _ in range(2))
            program = only_child(keeper)
            supervisor.kill()
            wait_for(lambda: keeper.ppid() == stack.pid, 10)
            with pytest.raises(psutil.TimeoutExpired):
                program.wait(0.5)
        finally:
            stack.kill()
    wait_for(lambda: gone(program) and gone(keeper), 10)


def test_without_a_stack_the_program_dies_with_its_supervisor():
    command = [sys.executable, "-c", PARENT, *kept(2**22, "/bin/sleep", "60")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as supervisor:
        try:
            program = only_child(psutil.Process(int(supervisor.stdout.readline())))
        finally:
            supervisor.kill()
    wait_for(lambda: gone(program), 10)


def only_child(process):
    """The program, once it runs."""
    wait_for(lambda: process.children() and process.children()[0].cmdline()[:1] not in ([], [sys.executable]), 10)
    return process.children()[0]
