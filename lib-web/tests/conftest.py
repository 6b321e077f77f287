"""The greeter on a test client, and under the real server in a process of its own."""

from functools import partial

import pytest
from greeter import create_app
from greeter_servers import SERVERS, greeter_on
from real_process import RealProcess, running


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


@pytest.fixture(params=SERVERS, ids=lambda it: f"{it[0]}-{it[1]}")
def how(request):
    """Each server, with one worker and with two."""
    return greeter_on(*request.param)


@pytest.fixture
def server(how, tmp_path):
    with running(**how, log=tmp_path / "log") as server:
        # The first to be there answers; gunicorn starts the next one a moment later.
        server.wait_until(lambda: len(server.workers()) == int(how["settings"]["GREETER_WORKERS"]))
        yield server


@pytest.fixture
def start_server(how, tmp_path):
    """Starts another one: `with start_server(port=port) as server`."""
    return partial(running, **how, log=tmp_path / "other.log")


@pytest.fixture
def make_server(how, tmp_path):
    """Starts one without waiting for it; the test stops it."""
    return partial(RealProcess, **how, log=tmp_path / "log")


@pytest.fixture(scope="module", params=["granian", "gunicorn"])
def shared_server(request, tmp_path_factory):
    """One for the tests that leave it as it was."""
    with running(**greeter_on(request.param, 2), log=tmp_path_factory.mktemp("server") / "log") as server:
        server.kind = request.param
        yield server
