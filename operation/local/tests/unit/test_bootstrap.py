import json
import subprocess

import pytest
from local_stack.gateway import bootstrap
from local_stack.ports import Ports
from local_stack.programs import ENVOY
from release_manager import RoutingState, rds_document, routes, write_rds

PORTS = Ports.following(9000)


@pytest.fixture
def document(tmp_path):
    return bootstrap(PORTS, tmp_path / "routes" / "routes.json")


def addresses(message):
    """Every socket address anywhere in the document."""
    if isinstance(message, dict):
        if "socket_address" in message:
            yield message["socket_address"]
        for value in message.values():
            yield from addresses(value)
    elif isinstance(message, list):
        for value in message:
            yield from addresses(value)


def test_the_real_envoy_accepts_it(document, tmp_path):
    write_rds(rds_document(routes(RoutingState("r1", 10))), tmp_path / "routes" / "routes.json")
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(document))
    checked = subprocess.run([ENVOY, "-c", path, "--mode", "validate"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr[-2000:]


def test_everything_is_on_this_machine_alone(document):
    assert {each["address"] for each in addresses(document)} == {"127.0.0.1"}
    assert {each["port_value"] for each in addresses(document)} == set(PORTS.by_name().values())


def test_the_way_from_an_app_ends_at_the_model_service_of_its_version_and_at_no_other(document):
    for listener in document["static_resources"]["listeners"][1:]:
        version = listener["name"].removeprefix("egress-")
        [host] = listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["virtual_hosts"]
        assert {route["route"]["cluster"] for route in host["routes"]} == {f"model-service-{version}"}


def test_feedback_is_only_sent_again_when_it_cannot_have_arrived(document):
    egress = document["static_resources"]["listeners"][1]["filter_chains"][0]["filters"][0]["typed_config"]
    [host] = egress["route_config"]["virtual_hosts"]
    predict, reading, rest = (route["route"]["retry_policy"]["retry_on"].split(",") for route in host["routes"])
    assert "reset" in predict
    assert "reset" in reading
    assert "reset" not in rest
