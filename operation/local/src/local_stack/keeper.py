"""Stays with a program for the stack: `keeper.py STACK_PID COMMAND [ARGUMENT...]`, and ends as the program ends.

The program must outlive a supervisor that is killed (starting all programs again takes longer than visitors should
wait) but not the stack. So the kernel tells the keeper of its parent's death: if the stack has adopted it, the
program runs on; if the stack is gone too, the program is killed. A killed keeper takes its program along.

What the program writes passes through here, because a supervisor takes its end of that pipe along when it dies, and
a service that can't write its log can't answer. Until the successor's programs take over, such lines are lost.

A file of its own, run with `python -I -S`, so that it costs 25 ms and 9 MB.
"""

import ctypes
import os
import select
import signal
import sys
from contextlib import suppress

_PR_SET_PDEATHSIG = 1
_PARENT_DIED = signal.SIGUSR1
# Sent to the whole process group: the program obeys them, the keeper waits for it.
_FOR_THE_PROGRAM = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_CHUNK_BYTES = 65_536


def main(arguments: list[str]) -> None:
    """Run the command and exit with its code, 128 + n where signal n ended it."""
    stack, command = int(arguments[0]), arguments[1:]
    supervisor = os.getppid()
    for number in _FOR_THE_PROGRAM:
        signal.signal(number, signal.SIG_IGN)
    alarm = _alarm(_PARENT_DIED, signal.SIGCHLD)
    output, programs_end = os.pipe()
    program = _start(command, programs_end)
    os.close(programs_end)
    _tell_of_parents_death(_PARENT_DIED)

    watched = [output, alarm]
    while not (ended := os.waitpid(program, os.WNOHANG))[0]:
        if os.getppid() not in (supervisor, stack):
            os.kill(program, signal.SIGKILL)
        ready, _, _ = select.select(watched, [], [])
        if alarm in ready:
            os.read(alarm, _CHUNK_BYTES)
        if output in ready and not _pass_on(output):
            watched.remove(output)
    os.set_blocking(output, False)
    with suppress(BlockingIOError):
        while _pass_on(output):
            pass
    code = os.waitstatus_to_exitcode(ended[1])
    os._exit(code if code >= 0 else 128 - code)


def _alarm(*numbers: signal.Signals) -> int:
    """A descriptor that becomes readable when one of the signals arrives."""
    alarm, writing = os.pipe()
    for descriptor in (alarm, writing):
        os.set_blocking(descriptor, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in numbers:
        signal.signal(number, lambda _number, _frame: None)
    return alarm


def _start(command: list[str], output: int) -> int:
    keeper = os.getpid()
    program = os.fork()
    if program:
        return program
    _tell_of_parents_death(signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)
    for number in _FOR_THE_PROGRAM:
        signal.signal(number, signal.SIG_DFL)
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    try:
        os.execv(command[0], command)  # noqa: S606 - no shell is the point
    except OSError as error:
        os.write(output, f"{command[0]} does not start: {error.strerror}\n".encode())
    os._exit(127)


def _pass_on(output: int) -> bool:
    """Write on what can be read at once; False at its end."""
    chunk = os.read(output, _CHUNK_BYTES)
    rest = chunk
    with suppress(BrokenPipeError):
        while rest:
            rest = rest[os.write(sys.stdout.fileno(), rest) :]
    return bool(chunk)


def _tell_of_parents_death(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)


if __name__ == "__main__":
    main(sys.argv[1:])
