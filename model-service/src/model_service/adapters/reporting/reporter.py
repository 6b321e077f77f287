"""What a reporter is."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from model_service.domain.reported_metrics import Report

__all__ = ["Destination", "ReportNotSent", "Reporter", "WrongDestination", "http_url"]


class ReportNotSent(Exception):
    """This one is lost; the message says why, without a secret. The next may arrive."""


class WrongDestination(Exception):
    """Nothing can ever be sent there; the message begins with the setting at fault and holds no secret."""


@dataclass(frozen=True)
class Destination:
    """Where reports go: the settings `reporting.target` and what `reporting.token_file` holds."""

    target: str | None
    token: str | None
    timeout_s: float

    def __repr__(self) -> str:
        return f"Destination({self.target!r})"


class Reporter(Protocol):
    """Made from a Destination before the workers are forked, without a connection; raises WrongDestination then."""

    def send(self, report: Report) -> None:
        """Within some `timeout_s`. Raises ReportNotSent."""

    def close(self) -> None:
        """After the last report."""


def http_url(target: str | None) -> str:
    """`target`, if it is a URL to send to. Raises WrongDestination; never repeats a password in it."""
    parts = urlsplit(target or "")
    try:
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise WrongDestination("target: must be an http:// or https:// URL")
    if parts.username or parts.password:
        raise WrongDestination("target: must hold no user or password; put a token into the token file")
    return parts.geturl()
