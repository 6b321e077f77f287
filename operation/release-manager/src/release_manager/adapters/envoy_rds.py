"""The rules as an Envoy route configuration (RDS), read by Envoy from a file.

Every rule becomes two routes, because Envoy's retry policy belongs to a route and a request that may be answered
twice (GET, HEAD) may be retried in more cases than one that writes. Version vN goes to cluster `app-vN`.
"""

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from release_manager.domain.routes import Destination, HeaderEquals, HeaderMatches, Rule

ROUTE_CONFIGURATION = "palate"
REPEATABLE_METHODS = "GET|HEAD"
TIMEOUT = "15s"

# The app has not seen the request when one of these happens, so even a write may be sent again.
_SAFE_RETRIES = "connect-failure,refused-stream,reset-before-request"
# Sixteen times with up to .5 s between (full jitter, so .25 s on average): 3.4 s in the mean, longer than a killed app
# is away, so that its visitors wait a moment instead of being turned away.
_RETRY_PACE = {"num_retries": 16, "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"}}


def rds_document(rules: tuple[Rule, ...]) -> dict[str, Any]:
    """The discovery response Envoy reads; its version is the hash of its content."""
    configuration = {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": ROUTE_CONFIGURATION,
        "virtual_hosts": [{"name": "app", "domains": ["*"], "routes": _all_routes(rules)}],
    }
    version = hashlib.sha256(json.dumps(configuration, sort_keys=True).encode()).hexdigest()[:16]
    return {"version_info": version, "resources": [configuration]}


def rds_version(document: dict[str, Any]) -> str:
    """The version under which Envoy's admin reports that it has applied the document."""
    return str(document["version_info"])


def write_rds(document: dict[str, Any], path: Path) -> None:
    """Replace the file in one step: Envoy watches its folder for renames and never reads half a document."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise


def _all_routes(rules: tuple[Rule, ...]) -> list[dict[str, Any]]:
    return [_route(rule, repeatable=repeatable) for rule in rules for repeatable in (True, False)]


def _route(rule: Rule, *, repeatable: bool) -> dict[str, Any]:
    matchers = [] if rule.match is None else [_header(rule.match)]
    if repeatable:
        matchers.append(_header(HeaderMatches(":method", REPEATABLE_METHODS)))
    route: dict[str, Any] = {
        "name": f"{rule.name}-{'read' if repeatable else 'write'}",
        "match": {"prefix": "/", "headers": matchers},
        "route": {**_target(rule), "timeout": TIMEOUT, "retry_policy": _retries(repeatable=repeatable)},
    }
    # Envoy removes a route's headers after a cluster has set its own, so what every destination sets is not
    # removed but overwritten.
    if stripped := sorted(set(rule.strip_headers) - _set_everywhere(rule)):
        route["request_headers_to_remove"] = stripped
    return route


def _header(match: HeaderEquals | HeaderMatches) -> dict[str, Any]:
    if isinstance(match, HeaderEquals):
        return {"name": match.name, "string_match": {"exact": match.value}}
    return {"name": match.name, "string_match": {"safe_regex": {"regex": match.pattern}}}


def _target(rule: Rule) -> dict[str, Any]:
    return {"weighted_clusters": {"clusters": [_cluster(destination) for destination in rule.destinations]}}


def _cluster(destination: Destination) -> dict[str, Any]:
    return {
        "name": f"app-{destination.version}",
        "weight": destination.weight_percent,
        "request_headers_to_add": [
            {"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
            for key, value in destination.set_headers
        ],
    }


def _set_everywhere(rule: Rule) -> set[str]:
    return set.intersection(*({name for name, _ in each.set_headers} for each in rule.destinations))


def _retries(*, repeatable: bool) -> dict[str, Any]:
    return {"retry_on": f"{_SAFE_RETRIES},reset" if repeatable else _SAFE_RETRIES, **_RETRY_PACE}
