"""The listening socket, opened by us."""

import socket
import sys
from struct import pack

import structlog

__all__ = ["BACKLOG", "RECEIVE_TIMEOUT_S", "listen"]

# Seconds without a byte after which nobody waits any longer for the rest of a request.
RECEIVE_TIMEOUT_S = 5
BACKLOG = 1024

log = structlog.get_logger()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket that a new master can open beside an old one; exits with 1 when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    # Accepted connections inherit both: the kernel's clock for a client that stops in the middle of a request, and
    # replies that leave without waiting for the last one's acknowledgement.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, pack("ll", RECEIVE_TIMEOUT_S, 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        log.critical("can_not_listen", host=host, port=port, reason=error.strerror)
        sys.exit(1)
    return listener
