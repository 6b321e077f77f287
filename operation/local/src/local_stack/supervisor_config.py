"""The configuration of supervisord, from the programs alone."""

import os
import re
import shlex
import textwrap

from local_stack.home import Home
from local_stack.programs import Program, kept

__all__ = ["GROUP", "UNSPEAKABLE", "supervisor_config"]

GROUP = "palate"
#: What supervisor's file can't hold inside a path, however it is quoted.
UNSPEAKABLE = re.compile(r"[\"'\\%?\x00-\x1f]|\s[#;]")

_STOP_WAIT_S = 6


def supervisor_config(home: Home, programs: tuple[Program, ...], stack_pid: int) -> str:
    """The text of supervisord.conf for the stack of that process.

    Raises ValueError when a path or value can't be written in it.
    """
    # Without a user supervisord warns a root that it keeps being root.
    user = "user=root\n" if os.geteuid() == 0 else ""
    names = ",".join(program.name for program in programs)
    head = f"""\
    [supervisord]
    nodaemon=true
    silent=true
    logfile={_written(str(home.log("supervisord")))}
    logfile_maxbytes=1MB
    logfile_backups=1
    pidfile={_written(str(home.supervisor / "supervisord.pid"))}
    directory={_written(str(home.supervisor))}

    [group:{GROUP}]
    programs={names}
    """
    parts = [textwrap.dedent(head).replace("silent=true\n", f"silent=true\n{user}")]
    return "\n".join([*parts, *(_section(home, program, place, stack_pid) for place, program in enumerate(programs))])


def _section(home: Home, program: Program, place: int, stack_pid: int) -> str:
    """One program: it comes back whenever it ends, at once, and ever more slowly if it can't start.

    `startsecs=1`: a program that lives shorter was not started, and the next try waits a second longer than the
    last.
    """
    command = " ".join(shlex.quote(word) for word in kept(stack_pid, *program.command))
    environment = ",".join(f'{name}="{_written(value)}"' for name, value in program.environment.items())
    return textwrap.dedent(f"""\
    [program:{program.name}]
    command={_written(command, quoted=True)}
    environment=PYTHONUNBUFFERED="1"{"," if environment else ""}{environment}
    priority={place}
    autorestart=true
    startsecs=1
    startretries=1000000
    stopasgroup=true
    killasgroup=true
    stopwaitsecs={_STOP_WAIT_S}
    redirect_stderr=true
    stdout_logfile={_written(str(home.log(program.name)))}
    stdout_logfile_maxbytes=5MB
    stdout_logfile_backups=2
    """)


def _written(value: str, *, quoted: bool = False) -> str:
    if UNSPEAKABLE.search(value.replace("'", "") if quoted else value):
        raise ValueError(f"supervisor's configuration can't hold {value!r}")
    return value
