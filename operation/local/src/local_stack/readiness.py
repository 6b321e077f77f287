"""Waiting until every program does its work."""

import time
from pathlib import Path

import httpx

from local_stack.home import Home
from local_stack.programs import Program

__all__ = ["NotReady", "wait_until_ready"]

_POLL_S = 0.1
_TAIL_LINES = 15
_TAIL_BYTES = 8_000


class NotReady(Exception):
    """Programs that did not come up in time; the message names each and shows the end of its log."""


def wait_until_ready(home: Home, programs: tuple[Program, ...], timeout_s: float) -> None:
    """Return when all are ready. Raises NotReady after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    waiting = dict.fromkeys(programs, "no answer yet")
    with httpx.Client(timeout=2, trust_env=False) as client:
        while waiting:
            waiting = {program: why for program in waiting if (why := _obstacle(client, program))}
            if waiting and time.monotonic() > deadline:
                raise NotReady("\n".join(_described(home, program, why) for program, why in waiting.items()))
            if waiting:
                time.sleep(_POLL_S)


def _obstacle(client: httpx.Client, program: Program) -> str | None:
    try:
        reply = client.get(program.ready_url)
    except httpx.HTTPError as error:
        return type(error).__name__
    return None if reply.is_success else f"{reply.status_code} {reply.text[:500]}"


def _described(home: Home, program: Program, why: str) -> str:
    log = home.log(program.name)
    return f"{program.name} did not come up ({program.ready_url}: {why}). The end of {log}:\n{_tail(log)}"


def _tail(log: Path) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode(errors="replace").splitlines()
    except OSError:
        return "  (it wrote nothing)"
    return "\n".join(f"  {line}" for line in lines[-_TAIL_LINES:])
