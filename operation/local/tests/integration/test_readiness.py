"""A program that does not come up is named, with the end of its log."""

import pytest
from local_stack.home import Home
from local_stack.programs import Program
from local_stack.readiness import NotReady, wait_until_ready
from running_stack import free_gateway_port


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    return home


def test_the_program_the_reason_and_the_end_of_its_log_are_said(home):
    home.log("app-v1").write_text("".join(f"line {number}\n" for number in range(2_000)))
    program = Program("app-v1", ("app",), f"http://127.0.0.1:{free_gateway_port()}/readyz")
    with pytest.raises(NotReady) as raised:
        wait_until_ready(home, (program,), timeout_s=0.3)
    said = str(raised.value)
    assert said.startswith("app-v1 did not come up")
    assert "ConnectError" in said
    assert str(home.log("app-v1")) in said
    assert said.endswith("line 1999")
    assert "line 1900" not in said


def test_a_program_that_wrote_nothing_is_named_too(home):
    program = Program("gateway", ("envoy",), f"http://127.0.0.1:{free_gateway_port()}/livez")
    with pytest.raises(NotReady, match="it wrote nothing"):
        wait_until_ready(home, (program,), timeout_s=0.1)
