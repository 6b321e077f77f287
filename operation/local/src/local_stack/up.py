"""From nothing to a running stack, and back to nothing."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from local_stack.doctor import obstacles
from local_stack.gateway import bootstrap
from local_stack.home import Home
from local_stack.ports import HOST, VERSIONS, Ports
from local_stack.preparation import migrate, train_lacking
from local_stack.programs import programs
from local_stack.readiness import wait_until_ready
from local_stack.release_file import apply_release, read_release
from local_stack.settings import LocalSettings
from local_stack.supervisor import Supervisor, adopt_orphans

__all__ = ["CanNotStart", "run_stack"]

_READY_TIMEOUT_S = 60
_ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Say = Callable[[str], None]


class CanNotStart(Exception):
    """What stands in the way, each thing on a line with its remedy."""


class _Ended(BaseException):
    """The operator wants the stack to end. No error, and caught by nothing on the way."""


def run_stack(settings: LocalSettings, say: Say) -> None:
    """Run the stack until SIGINT, SIGTERM or SIGHUP. Raises CanNotStart and what the steps raise."""
    home, ports = Home(settings.home), Ports.following(settings.port)
    if port := home.running_port():
        raise CanNotStart(f"{home.root} is in use by the stack on port {port}: PALATE_HOME=/another/folder make run")
    if found := obstacles(home, ports):
        raise CanNotStart("\n".join(found))
    adopt_orphans()
    with _ending_signals():
        try:
            with home.held(settings.port):
                _run(home, ports, say)
        except _Ended:
            say("all stopped")


def _run(home: Home, ports: Ports, say: Say) -> None:
    home.prepare()
    release = read_release(home)
    supervisor = Supervisor(home, programs(home, ports))
    try:
        train_lacking(home, say)
        migrate(home)
        home.bootstrap.write_text(json.dumps(bootstrap(ports, home.rds), indent=1), encoding="utf-8")
        apply_release(home, release)
        supervisor.start()
        wait_until_ready(home, programs(home, ports), _READY_TIMEOUT_S)
        _say_where(home, ports, say)
        _keep(supervisor, say)
    finally:
        _ignore_ending_signals()  # stopping is bounded, and half a stop would leave the other half running
        supervisor.stop()


def _keep(supervisor: Supervisor, say: Say) -> None:
    while True:
        supervisor.wait()
        say("the supervisor has died: another one takes over")
        supervisor.replace()


def _say_where(home: Home, ports: Ports, say: Say) -> None:
    say(f"gateway http://localhost:{ports.gateway}")
    for version in VERSIONS:
        say(f"app-{version} http://{HOST}:{ports.app[version]}")
    for version in VERSIONS:
        say(f"model-service-{version} http://{HOST}:{ports.model_service[version]}")
    say(f"token for /classify {home.app_token}")
    say(f"token for /moderation {home.moderator_token}")
    say(f"logs {home.logs}")
    say(f"ready: http://localhost:{ports.gateway}")


@contextmanager
def _ending_signals() -> Iterator[None]:
    """The first of the signals raises _Ended, the others are ignored. `nohup` keeps its meaning."""

    def end(_number: int, _frame: FrameType | None) -> None:
        _ignore_ending_signals()
        raise _Ended

    before = {number: signal.getsignal(number) for number in _ENDING_SIGNALS}
    for number, handler in before.items():
        if (number, handler) != (signal.SIGHUP, signal.SIG_IGN):
            signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _ignore_ending_signals() -> None:
    for number in _ENDING_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
