"""Envoy's two kinds of HTTP connection managers: visitors to the apps, an app to its model-service."""

from pathlib import Path

from release_manager.adapters import ROUTE_CONFIGURATION

from local_stack.gateway.access_log import access_log, failures_log
from local_stack.gateway.protobuf import EXTENSIONS, Message, typed
from local_stack.gateway.replies import MAX_BODY_BYTES, local_replies

__all__ = ["MODEL_TIMEOUT", "egress_manager", "ingress_manager"]

# Below the 1.8 s in which an app gives up, so that the app hears what went wrong instead of nothing.
MODEL_TIMEOUT = "1.7s"

_MANAGER = f"{EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager"
_NEVER_SEEN = "connect-failure,refused-stream,reset-before-request"
# Up to .2 s between (full jitter: .1 s on average) until the 1.7 s are over: a restart is mostly waited out.
_MODEL_RETRIES = {"num_retries": 30, "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.2s"}}


def ingress_manager(rds: Path) -> Message:
    """From visitors, whom nothing is believed, by the routes in the file `rds`."""
    source = {
        "path_config_source": {"path": str(rds), "watched_directory": {"path": str(rds.parent)}},
        "resource_api_version": "V3",
    }
    return typed(
        _MANAGER,
        stat_prefix="ingress",
        rds={"route_config_name": ROUTE_CONFIGURATION, "config_source": source},
        http_filters=[_whole_body(), _router()],
        access_log=[access_log()],
        local_reply_config=local_replies(),
        **_distrust(),
        **_patience(),
    )


def egress_manager(version: str) -> Message:
    """From app `version` to model-service `version` and no other."""
    routes = [
        # A verdict asked for twice is the same verdict; the first matching route counts.
        _model_route(version, {"path": "/predict"}, f"{_NEVER_SEEN},reset"),
        _model_route(version, {"prefix": "/", "headers": [_method("GET")]}, f"{_NEVER_SEEN},reset"),
        _model_route(version, {"prefix": "/"}, _NEVER_SEEN),
    ]
    host = {"name": "model-service", "domains": ["*"], "routes": routes}
    return typed(
        _MANAGER,
        stat_prefix=f"egress-{version}",
        route_config={"name": f"egress-{version}", "virtual_hosts": [host]},
        http_filters=[_router()],
        access_log=[failures_log()],
        local_reply_config=local_replies(),
        preserve_external_request_id=True,
        server_header_transformation="PASS_THROUGH",
        drain_timeout="1s",
    )


def _model_route(version: str, match: Message, retry_on: str) -> Message:
    return {
        "match": match,
        "route": {
            "cluster": f"model-service-{version}",
            "timeout": MODEL_TIMEOUT,
            "retry_policy": {"retry_on": retry_on, **_MODEL_RETRIES},
        },
    }


def _method(name: str) -> Message:
    return {"name": ":method", "string_match": {"exact": name}}


def _distrust() -> Message:
    return {
        "use_remote_address": True,
        # An internal client may order retries and timeouts by x-envoy-* headers. Nobody is one, not even
        # 127.0.0.1: no client has this address, and an empty list would mean every private one.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "preserve_external_request_id": True,
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "server_header_transformation": "PASS_THROUGH",
        "max_request_headers_kb": 32,
        "common_http_protocol_options": {
            "max_headers_count": 100,
            "idle_timeout": "120s",
            # To a WSGI app x_served_version is the same header as x-served-version, which is stripped.
            "headers_with_underscores_action": "DROP_HEADER",
        },
    }


def _patience() -> Message:
    """Seconds for a request's headers, for all of it, and of silence within one."""
    return {
        "request_headers_timeout": "10s",
        "request_timeout": "30s",
        "stream_idle_timeout": "60s",
        "drain_timeout": "1s",
        "delayed_close_timeout": "1s",
    }


def _whole_body() -> Message:
    """Holds a body until it is whole, so that a slow sender occupies none of the app's threads."""
    buffer = typed(f"{EXTENSIONS}.http.buffer.v3.Buffer", max_request_bytes=MAX_BODY_BYTES)
    return {"name": "envoy.filters.http.buffer", "typed_config": buffer}


def _router() -> Message:
    router = typed(f"{EXTENSIONS}.http.router.v3.Router", suppress_envoy_headers=True)
    return {"name": "envoy.filters.http.router", "typed_config": router}
