"""What Envoy's admin says about the routes it follows."""

import time

import httpx

from local_stack.ports import HOST

__all__ = ["GatewayLate", "applied_version", "wait_until_applied"]

_POLL_S = 0.05


class GatewayLate(Exception):
    """The gateway did not take the routes over in time; the message says why, as far as Envoy tells."""


def wait_until_applied(admin_port: int, version: str, timeout_s: float) -> None:
    """Return when Envoy follows the routes of that version. Raises GatewayLate after `timeout_s` seconds."""
    deadline = time.monotonic() + timeout_s
    while applied_version(admin_port) != version:
        if time.monotonic() > deadline:
            raise GatewayLate(f"the gateway has not taken the new routes over within {timeout_s:g} s")
        time.sleep(_POLL_S)


def applied_version(admin_port: int) -> str | None:
    """The version of the routes Envoy follows now; None when it can't be asked or has none."""
    url = f"http://{HOST}:{admin_port}/config_dump"
    try:
        reply = httpx.get(url, params={"resource": "dynamic_route_configs"}, timeout=1, trust_env=False)
        configs = reply.json().get("configs", [])
    except (httpx.HTTPError, ValueError):
        return None
    return str(configs[0].get("version_info")) if configs else None
