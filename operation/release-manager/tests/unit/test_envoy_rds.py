import json

import pytest
from release_manager.adapters.envoy_rds import rds_document, rds_version, write_rds
from release_manager.domain.routes import OWN_HEADERS, RoutingState, routes


def document_at(weight_percent):
    return rds_document(routes(RoutingState("r1", weight_percent)))


def envoy_routes(document):
    return document["resources"][0]["virtual_hosts"][0]["routes"]


def test_the_version_follows_the_content():
    assert rds_version(document_at(10)) == rds_version(document_at(10))
    assert rds_version(document_at(10)) != rds_version(document_at(11))


def test_a_write_is_only_retried_when_the_app_cannot_have_seen_it():
    for route in envoy_routes(document_at(10)):
        causes = set(route["route"]["retry_policy"]["retry_on"].split(","))
        safe = {"connect-failure", "refused-stream", "reset-before-request"}
        assert causes == (safe | {"reset"} if route["name"].endswith("-read") else safe)


def test_a_route_strips_our_headers_unless_it_sets_them():
    for route in envoy_routes(document_at(10)):
        removed = set(route.get("request_headers_to_remove", []))
        clusters = route["route"]["weighted_clusters"]["clusters"]
        for cluster in clusters:
            overwritten = {each["header"]["key"] for each in cluster["request_headers_to_add"]}
            assert removed | overwritten == set(OWN_HEADERS)
            assert not removed & overwritten


def test_the_file_is_replaced_whole_and_leaves_no_draft(tmp_path):
    path = tmp_path / "rds" / "routes.json"
    write_rds(document_at(10), path)
    write_rds(document_at(20), path)
    assert json.loads(path.read_text()) == document_at(20)
    assert list(path.parent.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path):
    path = tmp_path / "routes.json"
    write_rds(document_at(10), path)
    with pytest.raises(TypeError):
        write_rds({"version_info": object()}, path)
    assert json.loads(path.read_text()) == document_at(10)
    assert list(tmp_path.iterdir()) == [path]
