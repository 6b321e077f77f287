"""What stands in the way of a start, each thing with its remedy."""

import errno
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it brings no types

from local_stack.home import Home
from local_stack.ports import HOST, LAST_OFFSET, Ports
from local_stack.programs import ENVOY, SCRIPTS, script
from local_stack.supervisor_config import UNSPEAKABLE

__all__ = ["obstacles", "port_troubles"]

_PYTHON = (3, 11)
# The environment is installed by now; this is for models, logs, feedback and the training's working files.
_FREE_BYTES = 300 * 1024 * 1024
_STEP = 10
_HIGHEST_PORT = 65535


def obstacles(home: Home, ports: Ports) -> list[str]:
    """All that is wrong, in an operator's words; empty when the stack can start."""
    in_folder = _name_trouble(home.root) or _folder_trouble(home.root) or _space_trouble(home.root)
    return [trouble for trouble in (_python_trouble(), *_tool_troubles(), in_folder, *port_troubles(ports)) if trouble]


def _python_trouble() -> str | None:
    if sys.version_info[:2] >= _PYTHON:
        return None
    return f"this is Python {sys.version_info[0]}.{sys.version_info[1]}: install Python 3.11 or newer"


def _tool_troubles() -> list[str]:
    missing = [name for name in SCRIPTS if not Path(script(name)).is_file()]
    troubles = [f"{name} is not installed in {Path(sys.executable).parent}: start with `make run`" for name in missing]
    if not shutil.which("git"):
        troubles.append("git is not installed: apt-get install git")
    return troubles + _envoy_troubles()


def _envoy_troubles() -> list[str]:
    """Envoy's wheel holds a binary for glibc; whether it runs here only running it tells."""
    try:
        ran = subprocess.run([ENVOY, "--version"], capture_output=True, text=True, timeout=30, check=False)  # noqa: S603 - our own path
    except (OSError, subprocess.TimeoutExpired) as error:
        return [f"the gateway's program {ENVOY} does not run ({error}): it needs Linux with glibc 2.31"]
    return [] if ran.returncode == 0 else [f"the gateway's program does not run: {ran.stderr.strip()[:300]}"]


def _name_trouble(folder: Path) -> str | None:
    if UNSPEAKABLE.search(str(folder)):
        return f"PALATE_HOME={folder} has a quote, backslash, '%', '?', ' #' or ' ;' in it: choose another folder"
    return None


def _folder_trouble(folder: Path) -> str | None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as error:
        return (
            f"the folder {folder} can't be written ({error.strerror}): make it yours (chown, chmod) or "
            "choose another one: PALATE_HOME=/another/folder make run"
        )


def _space_trouble(folder: Path) -> str | None:
    free = shutil.disk_usage(folder).free
    if free >= _FREE_BYTES:
        return None
    return (
        f"only {free // 2**20} MB are free under {folder}, {_FREE_BYTES // 2**20} MB are needed: "
        "make room or choose another folder: PALATE_HOME=/another/folder make run"
    )


def port_troubles(ports: Ports) -> list[str]:
    """Which ports are taken, by whom, and which to choose instead; empty when all are free."""
    taken = {name: (port, why) for name, port in ports.by_name().items() if (why := _port_trouble(port))}
    if not taken:
        return []
    listed = [f"port {port} for {name} {why}" for name, (port, why) in taken.items()]
    return [f"{'; '.join(listed)}. Choose other ports: PALATE_PORT={_free_gateway_port(ports.gateway)} make run"]


def _port_trouble(port: int) -> str | None:
    try:
        with socket.socket() as probe:
            # As the services do: what only lingers of an earlier connection is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            probe.listen(1)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"is in use{_user_of(port)}"
        return f"can't be opened ({error.strerror})"
    return None


def _user_of(port: int) -> str:
    """Which process listens there, when this user may know it."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
                return f" by process {connection.pid} ({psutil.Process(connection.pid).name()})"
    except psutil.Error:
        pass
    return ""


def _free_gateway_port(gateway: int) -> int:
    """The next port from which on all eight are free; 9000 when none is found."""
    for start in range(max(gateway + _STEP, 1024 + _STEP), _HIGHEST_PORT - LAST_OFFSET, _STEP):
        if not any(_port_trouble(port) for port in Ports.following(start).by_name().values()):
            return start
    return 9000
