"""Reports as InfluxDB line protocol over HTTP: InfluxDB 1.8 to 3, Telegraf, VictoriaMetrics, QuestDB take it.

Source: https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/
"""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from model_service.adapters.reporting.reporter import Destination, ReportNotSent, http_url
from model_service.domain.reported_metrics import Report

__all__ = ["InfluxReporter"]

# A line break can not be escaped; nothing here has one, and nothing with one may begin a line of its own.
_TAG = str.maketrans({"\\": r"\\", ",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ "})


class InfluxReporter:
    """POSTs to the whole URL of the write API, `…/api/v2/write?org=o&bucket=b` or `…/write?db=d`; nanoseconds.

    Follows no redirect: the token is for this address alone.
    """

    def __init__(self, destination: Destination) -> None:
        parts = urlsplit(http_url(destination.target))
        self._connection = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._host, self._port, self._timeout_s = parts.hostname or "", parts.port, destination.timeout_s
        self._path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        self._headers = {"Content-Type": "text/plain; charset=utf-8"}
        if destination.token:
            self._headers["Authorization"] = f"Token {destination.token}"

    def send(self, report: Report) -> None:
        body = "".join(_lines(report)).encode()
        connection = self._connection(self._host, self._port, timeout=self._timeout_s)
        try:
            connection.request("POST", self._path, body, self._headers)
            with connection.getresponse() as response:
                status = response.status
        except (OSError, HTTPException) as error:
            raise ReportNotSent(getattr(error, "strerror", None) or type(error).__name__) from None
        finally:
            connection.close()
        if not 200 <= status < 300:  # noqa: PLR2004 - the class of successes
            raise ReportNotSent(f"the answer was {status}")

    def close(self) -> None:
        """No connection is kept between reports."""


def _lines(report: Report) -> Iterator[str]:
    for reading in report.readings:
        labels = (("service", report.service), *reading.labels)
        # An empty tag value is not allowed; a tag left out means the same.
        tags = "".join(f",{name}={_tag(value)}" for name, value in labels if value)
        yield f"{reading.metric.name}{tags} value={reading.value!r} {report.time_ns}\n"


def _tag(value: str) -> str:
    return value.translate(_TAG)
