"""Ties a program to the process that started it: `tether.py SIGNAL COMMAND [ARGUMENT...]`.

The kernel sends SIGNAL to the program when its parent dies, however it dies; the tie outlives the exec. A file of
its own, run with `python -I -S`, so that it costs some 25 ms. Elsewhere than on Linux it only starts the program.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Replace this process by the command; returns never."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.Signals[f"SIG{arguments[0]}"])
    if os.getppid() != parent:
        sys.exit(1)  # the parent died before the tie was made
    os.execvp(arguments[1], arguments[1:])  # noqa: S606 - no shell is the point


if __name__ == "__main__":
    main(sys.argv[1:])
