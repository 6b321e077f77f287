"""The OpenAPI document: valid, complete, true to what the service does, and exported as it is."""

import json
from pathlib import Path

import pytest
from model_service.openapi import document as exported
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate

EXPORT = Path(__file__).parents[3] / "docs" / "openapi" / "model-service.json"
# The document and the page that shows it.
UNDOCUMENTED = {"/openapi.json", "/docs", "/docs/{filename}"}
PROBLEM = "application/problem+json"


@pytest.fixture
def document(client):
    return client.get("/openapi.json").json


def operations(document: dict) -> list[tuple[str, str, dict]]:
    return [(path, verb, each) for path, verbs in document["paths"].items() for verb, each in verbs.items()]


def check(document: dict, schema: dict, instance: object) -> None:
    """That the instance fits; references lead into the document."""
    OAS31Validator(schema | {"components": document["components"]}).validate(instance)


def test_it_is_openapi_3_1(document):
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_every_route_is_in_it_with_every_method(app, document):
    described = {(path, verb.upper()) for path, verb, _ in operations(document)}
    served = {
        (rule.rule.replace("<path:", "<").replace("<", "{").replace(">", "}"), method)
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert {each for each in served if each[0] not in UNDOCUMENTED} == described


def test_every_operation_has_a_name_a_summary_and_one_tag_of_the_list(document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document["tags"]}
    for path, verb, operation in operations(document):
        assert operation["summary"], (path, verb)
        assert len(operation["tags"]) == 1, (path, verb)
        assert set(operation["tags"]) <= tags


def test_every_failure_is_a_problem_and_every_success_has_a_content(document):
    for path, verb, operation in operations(document):
        assert "default" in operation["responses"]
        for status, response in operation["responses"].items():
            assert response["description"]
            if status.startswith("2"):
                assert response["content"], (path, verb)
            else:
                assert list(response["content"]) == [PROBLEM], (path, verb, status)
        if verb == "post":
            assert {"400", "413", "415", "422"} <= set(operation["responses"]), path
            assert operation["requestBody"]["required"] is True


def test_no_schema_hangs_in_the_air(document):
    text = json.dumps(document)
    for name in document["components"]["schemas"]:
        assert "." not in name
        assert f'"#/components/schemas/{name}"' in text, f"{name} is used by none"


def test_every_example_fits_its_schema(document):
    checked = 0
    for _, _, operation in operations(document):
        places = [*operation["responses"].values(), operation.get("requestBody", {})]
        for content in (kind for place in places for kind in place.get("content", {}).values()):
            if "example" in content:
                check(document, content["schema"], content["example"])
                checked += 1
    assert checked >= 10


def test_routes_that_ask_for_a_token_say_so(document):
    asking = {path for path, _, operation in operations(document) if operation.get("security")}
    assert asking == {"/classify", "/api/v1/usage"}
    assert document["components"]["securitySchemes"] == {"bearer": {"type": "http", "scheme": "bearer"}}


def test_answers_are_as_described(client, document):
    bodies = [{"text": "good soup"}, {"texts": ["good soup", 7]}]
    content = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]
    assert set(content) == {"application/json", "application/x-ndjson"}
    for body in bodies:
        check(document, content["application/json"]["schema"], client.post("/predict", json=body).json)
    infer = document["paths"]["/v2/models/{name}/infer"]["post"]
    request = infer["requestBody"]["content"]["application/json"]["example"]
    reply = client.post("/v2/models/sentiment/infer", json=request).json
    check(document, infer["responses"]["200"]["content"]["application/json"]["schema"], reply)
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/{name}", "/v2/models/{name}/ready"):
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        check(document, schema, client.get(path.replace("{name}", "sentiment")).json)


def test_the_limits_in_it_are_those_that_hold(document):
    schemas = document["components"]["schemas"]
    assert schemas["PredictRequest"]["properties"]["text"]["maxLength"] == 2_000
    assert schemas["BatchRequest"]["properties"]["texts"]["maxItems"] == 10_000


def test_the_exported_document_is_the_one_that_is_served():
    remedy = f"run: python -m model_service.openapi {EXPORT.relative_to(EXPORT.parents[2])}"
    assert json.loads(EXPORT.read_text()) == exported(), remedy
