import importlib
import pkgutil

import lib_web
import pytest

MODULES = [module.name for module in pkgutil.iter_modules(lib_web.__path__) if not module.name.startswith("_")]


@pytest.mark.parametrize("name", MODULES)
def test_a_module_says_what_it_offers_and_offers_it(name):
    module = importlib.import_module(f"lib_web.{name}")
    assert module.__doc__
    assert all(hasattr(module, each) for each in module.__all__)


def test_the_package_lists_the_modules_that_services_use():
    assert set(lib_web.__all__) <= set(MODULES)
