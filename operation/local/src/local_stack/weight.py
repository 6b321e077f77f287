"""Changing the share of the canary while the stack runs."""

from dataclasses import replace

from local_stack.gateway import wait_until_applied
from local_stack.home import Home
from local_stack.ports import Ports
from local_stack.release_file import apply_release, read_release

__all__ = ["change_weight"]

_APPLIED_TIMEOUT_S = 5


def change_weight(home: Home, weight_percent: int) -> str:
    """Put the weight on file and before the gateway, wait until it follows, and say what holds now.

    Raises ValueError (no such weight), ReleaseFileDamaged, GatewayLate (on file, but not followed yet).
    """
    before = read_release(home)
    state = replace(before, weight_percent=weight_percent)
    version = apply_release(home, state)
    change = f"release {state.release}: {state.canary} {before.weight_percent} % -> {weight_percent} %"
    if (port := home.running_port()) is None:
        return f"{change} from the next start on; no stack runs on {home.root}"
    wait_until_applied(Ports.following(port).admin, version, _APPLIED_TIMEOUT_S)
    return f"{change}, followed by http://localhost:{port}"
