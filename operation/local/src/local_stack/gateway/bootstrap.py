"""Envoy's configuration: listeners, clusters, admin. The visitors' routes alone come from a file that may change."""

from pathlib import Path
from typing import Any

from local_stack.gateway.connections import egress_manager, ingress_manager
from local_stack.gateway.protobuf import EXTENSIONS, Message, typed
from local_stack.ports import HOST, VERSIONS, Ports

__all__ = ["bootstrap"]

_BUFFERED_BYTES = 262_144  # per connection and direction; a whole review fits, so that it can be sent again
_MAX_CONNECTIONS = 2_000
# Seconds. The services keep idle connections for 75 s: the gateway must be the side that closes.
_UPSTREAM_IDLE = "30s"
# Retries at the same time, per cluster. Envoy's three would fail all but three visitors while an app restarts.
_MAX_RETRIES = 512


def bootstrap(ports: Ports, rds: Path) -> Message:
    """The document Envoy starts from; the routes of visitors are read from the file `rds`."""
    egress = [_listener(f"egress-{version}", ports.egress[version], egress_manager(version)) for version in VERSIONS]
    clusters = {f"app-{version}": ports.app[version] for version in VERSIONS}
    clusters |= {f"model-service-{version}": ports.model_service[version] for version in VERSIONS}
    return {
        "node": {"id": "palate", "cluster": "palate"},
        "admin": _admin(ports.admin),
        "overload_manager": _connection_limit(),
        "static_resources": {
            "listeners": [_listener("ingress", ports.gateway, ingress_manager(rds)), *egress],
            "clusters": [_cluster(name, port) for name, port in clusters.items()],
        },
    }


def _admin(port: int) -> Message:
    """Only reading: any web page the operator has open could otherwise post `/quitquitquit` here."""
    readable = ("/ready", "/config_dump", "/stats", "/clusters", "/server_info")
    return {
        "address": _address(port),
        "allow_paths": [{"exact": "/"}, *({"prefix": path} for path in readable)],
    }


def _listener(name: str, port: int, manager: Message) -> Message:
    return {
        "name": name,
        "address": _address(port),
        # Shared ports would let a second stack start on the first one's port and take half of its visitors.
        "enable_reuse_port": False,
        "per_connection_buffer_limit_bytes": _BUFFERED_BYTES,
        "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}],
    }


def _cluster(name: str, port: int) -> Message:
    limits = {
        "max_connections": _MAX_CONNECTIONS,
        "max_pending_requests": _MAX_CONNECTIONS,
        "max_requests": _MAX_CONNECTIONS,
        "max_retries": _MAX_RETRIES,
    }
    return {
        "name": name,
        "connect_timeout": "0.5s",
        "per_connection_buffer_limit_bytes": _BUFFERED_BYTES,
        "circuit_breakers": {"thresholds": [limits]},
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
                "common_http_protocol_options": {"idle_timeout": _UPSTREAM_IDLE},
                "explicit_http_config": {"http_protocol_options": {}},
            }
        },
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}],
        },
    }


def _connection_limit() -> Message:
    name = "envoy.resource_monitors.global_downstream_max_connections"
    monitor = typed(
        f"{EXTENSIONS.removesuffix('filters')}resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig",
        max_active_downstream_connections=_MAX_CONNECTIONS,
    )
    return {"resource_monitors": [{"name": name, "typed_config": monitor}]}


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": HOST, "port_value": port}}
