import subprocess
import sys

import psutil
import pytest
from local_stack.programs import TETHER, tethered
from running_stack import wait_for

PARENT = """
import subprocess, sys, time
child = subprocess.Popen(sys.argv[1:])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize("signal_name", ["TERM", "KILL"])
def test_a_tethered_program_dies_with_its_parent_however_that_dies(signal_name):
    command = tethered(signal_name, "/bin/sleep", "60")
    with subprocess.Popen([sys.executable, "-c", PARENT, *command], stdout=subprocess.PIPE, text=True) as parent:
        try:
            child = psutil.Process(int(parent.stdout.readline()))
            wait_for(lambda: child.cmdline()[:1] == ["/bin/sleep"], 10)
        finally:
            parent.kill()
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 10)


def test_a_tethered_program_keeps_its_arguments_and_its_exit_code():
    command = tethered("TERM", "/bin/sh", "-c", 'echo "$1"; exit 7', "sh", "two words")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("two words\n", 7)


def test_the_tether_needs_nothing_but_python():
    assert "local_stack" not in TETHER.read_text()
