"""The collector with its real reporters: a real HTTP sink, real files, the service under its real server."""

import gzip
import json
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from lib_web.metrics import measured
from lib_web.workers import worker_of
from model_service import create_app
from model_service.adapters.reporting import (
    REPORTERS,
    Destination,
    MetricsCollector,
    ReportMetrics,
    ReportNotSent,
    WrongDestination,
)
from model_service.domain.reported_metrics import REPORTED, Reading, Report, ReportedMetric
from model_service.factory import start_worker, stop_worker
from model_service.settings import WrongSettings, read_settings
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families
from real_process import free_port

TOKEN = "n0t-a-real-one"
REQUESTS = ReportedMetric("requests_total", "counter", "palate_http_requests_total", ("route",), "1", "Requests")
MEMORY = ReportedMetric("memory_bytes", "gauge", "process_resident_memory_bytes", (), "By", "Memory")
HOSTILE = 'a b,c=d"e\\f\ng'
REPORT = Report(
    "model-service",
    1_000,
    1_700_000_000_123_456_789,
    (
        Reading(REQUESTS, (("route", "/predict"),), 5.0),
        Reading(REQUESTS, (("route", HOSTILE),), 0.5),
        Reading(MEMORY, (), 1e9),
    ),
)


@dataclass
class Sink:
    """An HTTP server that keeps what it is sent; it answers with `status`, after `delay_s`."""

    url: str = ""
    status: int = 204
    delay_s: float = 0.0
    received: list[tuple[str, Message, bytes]] = field(default_factory=list)


@contextmanager
def http_sink():
    sink = Sink()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sink.received.append((self.path, self.headers, body))
            time.sleep(sink.delay_s)
            with suppress(OSError):
                self.send_response(sink.status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sink.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def sink():
    with http_sink() as sink:
        yield sink


def destination(target=None, token=None, timeout_s=2.0) -> Destination:
    return Destination(target, token, timeout_s)


def wait_until(question, patience_s=20.0):
    deadline = time.monotonic() + patience_s
    while not (answer := question()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.01)
    return answer


def test_stdout_gets_a_json_line_for_each_figure(capfd):
    REPORTERS["stdout"](destination()).send(REPORT)
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert lines[0] == {
        "metric": "requests_total",
        "labels": {"route": "/predict"},
        "value": 5.0,
        "service": "model-service",
        "time_ns": 1_700_000_000_123_456_789,
    }
    assert [line["labels"] for line in lines[1:]] == [{"route": HOSTILE}, {}]


def test_the_textfile_is_what_prometheus_reads_and_replaces_the_one_before(tmp_path):
    path = tmp_path / "palate.prom"
    path.write_text("old")
    with path.open() as still_read:
        REPORTERS["textfile"](destination(str(path))).send(REPORT)
        assert still_read.read() == "old"
    families = {family.name: family for family in text_string_to_metric_families(path.read_text())}
    assert families["requests"].type == "counter"
    assert {sample.labels["route"]: sample.value for sample in families["requests"].samples} == {
        "/predict": 5.0,
        HOSTILE: 0.5,
    }
    assert families["memory_bytes"].samples[0].value == 1e9
    assert [each.name for each in tmp_path.iterdir()] == ["palate.prom"]


def test_influxdb_gets_line_protocol_with_its_token(sink):
    target = f"{sink.url}/api/v2/write?org=o&bucket=b"
    REPORTERS["influxdb"](destination(target, TOKEN)).send(REPORT)
    ((path, headers, body),) = sink.received
    assert (path, headers["Authorization"]) == ("/api/v2/write?org=o&bucket=b", f"Token {TOKEN}")
    assert body.decode().splitlines() == [
        "requests_total,service=model-service,route=/predict value=5.0 1700000000123456789",
        r"requests_total,service=model-service,route=a\ b\,c\=d" + '"' + r"e\\f\ g value=0.5 1700000000123456789",
        "memory_bytes,service=model-service value=1000000000.0 1700000000123456789",
    ]


def test_opentelemetry_gets_protobuf_with_its_token(sink):
    sink.status = 200
    reporter = REPORTERS["opentelemetry"](destination(f"{sink.url}/v1/metrics", TOKEN))
    reporter.send(REPORT)
    reporter.close()
    ((path, headers, body),) = sink.received
    assert (path, headers["Authorization"]) == ("/v1/metrics", f"Bearer {TOKEN}")
    raw = gzip.decompress(body) if headers.get("Content-Encoding") == "gzip" else body
    (resource,) = ExportMetricsServiceRequest.FromString(raw).resource_metrics
    assert [(each.key, each.value.string_value) for each in resource.resource.attributes] == [
        ("service.name", "model-service")
    ]
    requests, memory = resource.scope_metrics[0].metrics
    assert (requests.name, requests.unit, requests.sum.is_monotonic) == ("requests_total", "1", True)
    assert [point.as_double for point in requests.sum.data_points] == [5.0, 0.5]
    assert [point.attributes[0].value.string_value for point in requests.sum.data_points] == ["/predict", HOSTILE]
    assert (requests.sum.data_points[0].start_time_unix_nano, memory.gauge.data_points[0].time_unix_nano) == (
        REPORT.start_ns,
        REPORT.time_ns,
    )
    assert memory.gauge.data_points[0].as_double == 1e9


@pytest.mark.parametrize("name", ["influxdb", "opentelemetry"])
@pytest.mark.parametrize("status", [307, 401, 404])
def test_a_refusal_is_a_report_that_was_not_sent_and_the_token_goes_nowhere_else(sink, name, status):
    sink.status = status
    reporter = REPORTERS[name](destination(f"{sink.url}/write", TOKEN, timeout_s=1.0))
    with pytest.raises(ReportNotSent) as failed:
        reporter.send(REPORT)
    reporter.close()
    assert TOKEN not in str(failed.value)
    assert {path for path, _, _ in sink.received} == {"/write"}


@pytest.mark.parametrize("name", ["influxdb", "opentelemetry"])
def test_nobody_there_is_a_report_that_was_not_sent(name):
    reporter = REPORTERS[name](destination(f"http://127.0.0.1:{free_port()}/write", timeout_s=1.0))
    with pytest.raises(ReportNotSent):
        reporter.send(REPORT)
    reporter.close()


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("influxdb", None),
        ("influxdb", "localhost:8086"),
        ("influxdb", "ftp://localhost"),
        ("influxdb", f"http://me:{TOKEN}@localhost"),
        ("influxdb", "http://localhost:99999"),
        ("opentelemetry", "collector:4317"),
        ("textfile", None),
        ("textfile", "/tmp/palate.txt"),
        ("textfile", "/nowhere/palate.prom"),
    ],
)
def test_a_target_that_can_never_work_is_refused_at_the_start_without_its_secrets(name, target):
    with pytest.raises(WrongDestination, match=r"^target: ") as wrong:
        REPORTERS[name](destination(target))
    assert TOKEN not in str(wrong.value)


class Slow:
    """A reporter that takes as long as the test wants, or fails."""

    def __init__(self) -> None:
        self.may_send = threading.Event()
        self.sent: list[Report] = []
        self.fault: Exception | None = None
        self.closed = False

    def send(self, report: Report) -> None:
        self.may_send.wait(20)
        if self.fault:
            raise self.fault
        self.sent.append(report)

    def close(self) -> None:
        self.closed = True


def collector_for(reporter, interval_s=0.01):
    metrics = ReportMetrics(CollectorRegistry())
    numbers = iter(range(1_000_000))
    take = lambda: Report("model-service", 0, next(numbers), ())  # noqa: E731 - a report that can be told from others
    return MetricsCollector(take, reporter, metrics, interval_s=interval_s), metrics


def test_while_a_reporter_hangs_three_reports_wait_and_older_ones_are_dropped_and_counted():
    slow = Slow()
    collector, metrics = collector_for(slow)
    collector.start()
    wait_until(lambda: metrics.dropped._value.get() >= 5)
    began = time.monotonic()
    collector.stop(timeout_s=0.3)
    assert time.monotonic() - began < 1.0
    slow.may_send.set()
    wait_until(lambda: slow.closed)
    numbers = [report.time_ns for report in slow.sent]
    assert len(numbers) == 4  # the one in its hands, and those that waited, the last one among them
    assert numbers[1:] == [numbers[-1] - 2, numbers[-1] - 1, numbers[-1]]
    assert metrics.dropped._value.get() == numbers[-1] + 1 - len(numbers)


@pytest.mark.parametrize("fault", [ReportNotSent("HTTP 503"), ValueError("a reporter's own fault")])
def test_reports_that_fail_are_counted_and_the_next_is_sent_all_the_same(fault):
    slow = Slow()
    slow.may_send.set()
    slow.fault = fault
    collector, metrics = collector_for(slow)
    collector.start()
    wait_until(lambda: metrics.dropped._value.get() >= 3)
    slow.fault = None
    wait_until(lambda: metrics.sent._value.get() >= 3)
    collector.stop()
    assert slow.closed


def test_the_end_sends_a_last_report():
    slow = Slow()
    slow.may_send.set()
    collector, metrics = collector_for(slow, interval_s=3_600)
    collector.start()
    collector.stop()
    assert [report.time_ns for report in slow.sent] == [0]
    assert metrics.sent._value.get() == 1


@pytest.mark.usefixtures("settings")
def test_a_new_reporter_is_one_class_and_one_line(monkeypatch):
    made = []

    class Keeping:
        def __init__(self, destination: Destination) -> None:
            self.target, self.reports = destination.target, []
            made.append(self)

        def send(self, report: Report) -> None:
            self.reports.append(report)

        def close(self) -> None:
            pass

    monkeypatch.setitem(REPORTERS, "keeping", Keeping)
    monkeypatch.setenv("MODEL_SERVICE_REPORTING__REPORTER", "keeping")
    monkeypatch.setenv("MODEL_SERVICE_REPORTING__TARGET", "somewhere")
    app = create_app(read_settings())
    app.test_client().post("/predict", json={"text": "The soup was cold."})
    start_worker(app, worker_of(app))
    stop_worker(app, worker_of(app))
    figures = {(each.metric.name, dict(each.labels).get("route")): each.value for each in made[0].reports[-1].readings}
    assert made[0].target == "somewhere"
    assert figures["model_service_requests_total", "/predict"] == 1


@pytest.mark.usefixtures("settings")
@pytest.mark.parametrize(
    ("setting", "value", "fault"),
    [
        ("REPORTER", "carrier-pigeon", "there are: none, stdout, textfile, influxdb, opentelemetry"),
        ("REPORTER", "influxdb", "target: must be an http"),
        ("TOKEN_FILE", "/nowhere", "can not be read"),
    ],
)
def test_a_wrong_reporter_stops_the_start(monkeypatch, setting, value, fault):
    monkeypatch.setenv("MODEL_SERVICE_REPORTING__REPORTER", "stdout")
    monkeypatch.setenv(f"MODEL_SERVICE_REPORTING__{setting}", value)
    with pytest.raises(WrongSettings, match=f"MODEL_SERVICE_REPORTING.*{fault}"):
        create_app(read_settings())


@pytest.mark.usefixtures("settings")
def test_every_series_of_the_table_is_one_the_service_has(monkeypatch):
    everything_on = {"REPORTING__REPORTER": "stdout", "CACHE__USE": "on", "SHADOW": "sentiment/v2"}
    for name, value in everything_on.items():
        monkeypatch.setenv(f"MODEL_SERVICE_{name}", value)
    app = create_app(read_settings())
    # A metric with labels has no samples before its first value, and shows its name alone.
    families = {family.name for family in measured(app)}
    for metric in REPORTED:
        stem = metric.series.removesuffix("_total").removesuffix("_sum")
        assert {metric.series, stem} & families, metric.name


def test_the_first_worker_reports_what_all_of_them_did_and_a_dead_sink_slows_nobody(start_service, sink, tmp_path):
    token_file = tmp_path / "token"
    token_file.write_text(TOKEN + "\n")
    sink.delay_s = 30.0  # it takes every report and answers none
    reporting = {
        "MODEL_SERVICE_WORKERS": "2",
        "MODEL_SERVICE_REPORTING__REPORTER": "influxdb",
        "MODEL_SERVICE_REPORTING__INTERVAL_S": "0.2",
        "MODEL_SERVICE_REPORTING__TARGET": f"{sink.url}/write?db=palate",
        "MODEL_SERVICE_REPORTING__TOKEN_FILE": str(token_file),
    }
    with start_service(**reporting) as service:
        wait_until(lambda: sink.received)
        slowest = 0.0
        for _ in range(40):
            began = time.monotonic()
            assert service.post("/predict", {"text": "The soup was cold."})[0] == 200
            slowest = max(slowest, time.monotonic() - began)
        assert slowest < 1.0
        sink.delay_s = 0.0
        requests = b"model_service_requests_total,service=model-service,route=/predict,status=2xx value=40.0 "
        wait_until(lambda: any(requests in body for _, _, body in sink.received))
    assert all(headers["Authorization"] == f"Token {TOKEN}" for _, headers, _ in sink.received)
    assert TOKEN not in service.log.read_text()
    assert [line for line in service.lines() if line["event"] == "report_not_sent"]
