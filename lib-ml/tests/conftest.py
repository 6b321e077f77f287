"""Models are fitted once a run and shared by all tests."""

from collections.abc import Callable
from functools import cache

import pytest
from small_models import Trained, make_bundle


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Trained]:
    return cache(lambda name: make_bundle(tmp_path_factory.mktemp(name), name))
