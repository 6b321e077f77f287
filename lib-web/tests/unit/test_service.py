import re

import pytest
from lib_web.metrics import metrics_registry
from prometheus_client import Counter

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@pytest.mark.parametrize("path", ["/livez", "/nowhere", "/fail", "/refuse"])
def test_every_reply_carries_the_security_headers_once(client, path):
    headers = client.get(path).headers
    for name, value in SECURITY.items():
        assert headers.getlist(name) == [value]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_a_view_may_set_its_own_policy(client):
    headers = client.get("/docs").headers
    assert len(headers.getlist("Content-Security-Policy")) == 1
    assert "script-src 'self'" in headers["Content-Security-Policy"]


def test_a_request_id_is_made_or_taken_over(client):
    assert re.fullmatch(r"[0-9a-f]{32}", client.get("/livez").headers["X-Request-Id"])
    assert client.get("/livez", headers={"X-Request-Id": "abc-1.2_3"}).headers["X-Request-Id"] == "abc-1.2_3"


@pytest.mark.parametrize("asked", ["", "a b", "x" * 129, 'a"b', "a;b"])
def test_an_odd_request_id_is_replaced(client, asked):
    assert client.get("/livez", headers={"X-Request-Id": asked}).headers["X-Request-Id"] != asked


def test_livez_readyz_and_version_answer(client):
    assert client.get("/livez").json == {"alive": True}
    assert client.get("/readyz").json == {"ready": True, "readiness": {"why": "as the test says"}}
    version = client.get("/version").json
    assert version == {
        "component": "greeter",
        "version": "1.2.3",
        "commit": "abc",
        "built_at": "2026-01-01T00:00:00Z",
        "extra": 1,
    }


def test_a_service_that_is_not_ready_says_so_with_retry_after(greeter):
    reply = greeter(ready=False).test_client().get("/readyz")
    assert (reply.status_code, reply.mimetype) == (503, "application/problem+json")
    assert reply.headers["Retry-After"] == "1"
    assert reply.json["ready"] is False
    assert reply.json["readiness"] == {"why": "as the test says"}


def test_metrics_have_closed_labels_and_the_service_s_own_series(app):
    Counter("palate_greetings", "Greetings", registry=metrics_registry(app)).inc()
    client = app.test_client()
    for number in range(50):
        client.get(f"/made-up-{number}")
        client.open("/livez", method=f"INVENTED{number}")
    client.post("/greet", json={"text": "cold soup"})
    text = client.get("/metrics").text
    assert "palate_greetings_total 1.0" in text
    assert 'palate_http_requests_total{method="GET",route="(unmatched)",status="4xx"} 50.0' in text
    assert 'palate_http_requests_total{method="other",route="(unmatched)",status="4xx"} 50.0' in text
    assert 'palate_http_requests_total{method="POST",route="/greet",status="2xx"} 1.0' in text
    assert 'palate_build_info{commit="abc",component="greeter",version="1.2.3"} 1.0' in text
    assert "palate_http_request_seconds_bucket" in text
    assert "made-up" not in text
    assert "soup" not in text


def test_two_services_in_one_process_count_apart(greeter):
    first, second = greeter(), greeter()
    first.test_client().get("/livez")
    assert 'route="/livez"' not in second.test_client().get("/metrics").text


def test_a_reply_is_json_even_with_nan(client):
    assert client.get("/not-a-number").data == b'{"value":null}'


def test_request_bodies_are_read_strictly_by_flask_s_own_way_too(app):
    with pytest.raises(ValueError, match="recursion"):
        app.json.loads(b"[" * 3_000)
    assert app.json.dumps({"a": float("inf")}) == '{"a":null}'


def test_the_document_is_openapi_3_1_with_bodies_examples_and_problems(client):
    document = client.get("/openapi.json").json
    greet = document["paths"]["/greet"]["post"]
    body = greet["requestBody"]["content"]["application/json"]
    problem = greet["responses"]["422"]["content"]["application/problem+json"]["schema"]["$ref"]
    assert document["openapi"].startswith("3.1")
    assert body["example"] == {"text": "hello"}
    assert document["components"]["schemas"]["Greeting"]["properties"]["text"]["maxLength"] == 50
    assert problem.rsplit("/", 1)[1] in document["components"]["schemas"]
    assert {"/livez", "/readyz", "/version", "/metrics", "/greet", "/wish"} <= set(document["paths"])
    assert "servers" not in document


def test_every_reference_of_the_document_leads_somewhere(client):
    text = client.get("/openapi.json").text
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    for name in re.findall(r'"#/components/schemas/([^"]+)"', text):
        assert name in schemas


def test_the_docs_page_needs_nothing_from_elsewhere(client):
    page = client.get("/docs")
    assert page.status_code == 200
    assert "//" not in page.text.replace("<!doctype", "")
    for path in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        with client.get(path) as reply:
            assert reply.status_code == 200
    assert "<script>" not in page.text
    assert "unsafe-inline" not in page.headers["Content-Security-Policy"].split("style-src")[0]


def test_the_vendored_files_have_their_licence_beside_them(client):
    with client.get("/docs/LICENSE.swagger-ui.txt") as reply:
        assert "Apache License" in reply.text
