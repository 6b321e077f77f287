import os
import sys
from pathlib import Path

import pytest

# Test folders are no packages under importlib mode; what several test modules share is found by its folder.
sys.path.insert(0, str(Path(__file__).parent))

from running_stack import RunningStack, free_gateway_port, small_models

# Most stacks here are timed and killed: measuring their lines would make them slow, and a killed one saves none.
UNMEASURED = {name: value for name, value in os.environ.items() if not name.startswith("COV")}


@pytest.fixture(scope="session")
def registry(tmp_path_factory):
    """A registry with two small real models."""
    return small_models(tmp_path_factory.mktemp("registry"))


@pytest.fixture
def environment(tmp_path, registry):
    """What `palate` needs to run beside all other stacks, with a folder of its own and models in it."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "registry").symlink_to(registry)
    return {**UNMEASURED, "PALATE_PORT": str(free_gateway_port()), "PALATE_HOME": str(home)}


@pytest.fixture
def measured(environment):
    """The same, and coverage counts the lines that run: the stack is slower then."""
    return {**os.environ, **environment}


@pytest.fixture(scope="session")
def stack(tmp_path_factory, registry):
    """The whole platform, running."""
    home = tmp_path_factory.mktemp("stack")
    (home / "registry").symlink_to(registry)
    running = RunningStack({**UNMEASURED, "PALATE_PORT": str(free_gateway_port()), "PALATE_HOME": str(home)})
    running.wait_until_ready()
    yield running
    running.end()
