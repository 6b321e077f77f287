"""How the greeter is started, on each server."""

from pathlib import Path
from typing import Any

SERVERS = [("granian", 1), ("granian", 2), ("gunicorn", 1), ("gunicorn", 2)]


def greeter_on(server: str, workers: int, **settings: str) -> dict[str, Any]:
    """What `running` and RealProcess take."""
    chosen = {"GREETER_PORT": "{port}", "GREETER_SERVER": server, "GREETER_WORKERS": str(workers)}
    return {
        "program": "python",
        "arguments": [Path(__file__).with_name("greeter.py")],
        "settings": chosen | settings,
    }
