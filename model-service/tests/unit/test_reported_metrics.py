from model_service.domain.reported_metrics import REPORTED, Reading, ReportedMetric, readings

REQUESTS = ReportedMetric("requests_total", "counter", "palate_requests_total", ("status",), "1", "Requests")
MEMORY = ReportedMetric("memory_bytes", "gauge", "process_memory_bytes", (), "By", "Memory")


def test_a_figure_keeps_the_labels_it_asks_for_and_sums_over_the_others():
    samples = [
        ("palate_requests_total", {"status": "2xx", "route": "/a"}, 3.0),
        ("palate_requests_total", {"status": "2xx", "route": "/b"}, 4.0),
        ("palate_requests_total", {"status": "5xx", "route": "/b"}, 1.0),
        ("palate_other_total", {}, 9.0),
        ("process_memory_bytes", {}, 5.0),
    ]
    assert readings(samples, [MEMORY, REQUESTS]) == (
        Reading(MEMORY, (), 5.0),
        Reading(REQUESTS, (("status", "2xx"),), 7.0),
        Reading(REQUESTS, (("status", "5xx"),), 1.0),
    )


def test_a_series_without_samples_has_no_figure():
    assert readings([], [REQUESTS]) == ()


def test_names_and_series_of_the_table_stand_there_once_and_name_their_unit():
    assert len({metric.name for metric in REPORTED}) == len({metric.series for metric in REPORTED}) == len(REPORTED)
    for metric in REPORTED:
        assert metric.name.startswith("model_service_")
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert (metric.unit == "s") == ("_seconds" in metric.name)
        assert metric.help
