"""The production server: workers forked from a master that has loaded the app, on granian or on gunicorn.

- The listening socket is opened here and belongs to the master, so connections wait there while a killed worker is
  replaced (forking needs no imports: that takes milliseconds).
- SO_REUSEPORT on it lets a new master bind at once when the old one was killed and its workers still live; the kernel
  tells those of their parent's death, they finish what they have and go.
- SIGTERM: /readyz says 503, after `drain_s` the socket is closed, running requests finish, all processes end.
- What the server refuses by itself (broken request lines, headers, framing) is answered without a word of it.
"""

from collections.abc import Callable
from typing import Literal

import structlog
from flask import Flask

from lib_web.metrics import share_metrics
from lib_web.server.listener import listen
from lib_web.server.program import Program, share_memory
from lib_web.workers import Worker, shared_folder

__all__ = ["serve"]

log = structlog.get_logger()


def serve(
    create_app: Callable[[], Flask],
    *,
    host: str,
    port: int,
    server: Literal["granian", "gunicorn"] = "granian",
    workers: int = 1,
    threads: int = 8,
    drain_s: float = 0.0,
    on_worker_start: Callable[[Flask, Worker], None] | None = None,
    on_worker_stop: Callable[[Flask, Worker], None] | None = None,
) -> None:
    """Serve the app on `host`:`port` until SIGTERM or SIGINT; returns never.

    `create_app` runs once, in the master: it must start no threads and keep no connections open. Both belong into
    `on_worker_start`, which runs in every new worker before its first request; `on_worker_stop` runs after its last
    one, unless it was killed. Each worker answers `threads` requests at a time. After SIGTERM the service answers on
    for `drain_s` seconds, with 503 on /readyz, so that whoever sends requests here can stop doing so.
    Exits with 1 when the port is taken.
    """
    listener = listen(host, port)
    log.info("listening", host=host, port=listener.getsockname()[1], server=server, workers=workers)
    if server == "granian":
        from lib_web.server.granian_server import run  # noqa: PLC0415 - only the chosen server is loaded
    else:
        from lib_web.server.gunicorn_server import run  # noqa: PLC0415 - as above
    with shared_folder() as folder:
        share_metrics(folder)
        program = Program(create_app(), folder, workers, threads, drain_s, on_worker_start, on_worker_stop)
        # After all that is loaded.
        share_memory()
        run(program, listener)
