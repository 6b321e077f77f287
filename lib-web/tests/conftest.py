"""The greeter on a test client, and under the real server in a process of its own."""

from functools import partial
from pathlib import Path

import pytest
from greeter import create_app
from real_process import RealProcess, running

GREETER = {
    "program": "python",
    "arguments": [Path(__file__).with_name("support") / "greeter.py"],
    "settings": {"GREETER_PORT": "{port}"},
}


@pytest.fixture
def greeter():
    """Makes greeters."""
    return create_app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def server(tmp_path):
    with running(**GREETER, log=tmp_path / "log") as server:
        yield server


@pytest.fixture
def start_server(tmp_path):
    """Starts another one: `with start_server(port=port) as server`."""
    return partial(running, **GREETER, log=tmp_path / "other.log")


@pytest.fixture
def make_server(tmp_path):
    """Starts one without waiting for it; the test stops it."""
    return partial(RealProcess, **GREETER, log=tmp_path / "log")


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """One for the tests that leave it as it was."""
    with running(**GREETER, log=tmp_path_factory.mktemp("server") / "log") as server:
        yield server
