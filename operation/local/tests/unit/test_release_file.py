import json

import pytest
from local_stack.home import Home
from local_stack.release_file import FIRST_RELEASE, ReleaseFileDamaged, apply_release, read_release
from local_stack.weight import change_weight
from release_manager import RoutingState


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    return home


def test_the_first_release_sends_ten_percent_to_the_canary(home):
    assert read_release(home) == FIRST_RELEASE == RoutingState("r1", 10)


def test_what_was_applied_is_on_file_and_before_the_gateway(home):
    version = apply_release(home, RoutingState("r2", 30))
    assert read_release(home) == RoutingState("r2", 30)
    document = json.loads(home.rds.read_text())
    assert document["version_info"] == version
    assert "palate_r2" in home.rds.read_text()


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "3", "{}", '{"release": "r1"}', '{"release": "R", "weight_percent": 1}']
)
def test_a_damaged_file_is_named_with_the_remedy(home, content):
    home.release_file.write_text(content)
    with pytest.raises(ReleaseFileDamaged, match=r"release\.json holds no release .*remove it"):
        read_release(home)


def test_without_a_running_stack_the_weight_counts_from_the_next_start(home):
    assert "10 % -> 50 % from the next start on" in change_weight(home, 50)
    assert read_release(home).weight_percent == 50


def test_a_weight_beyond_a_hundred_changes_nothing(home):
    with pytest.raises(ValueError, match="weight_percent"):
        change_weight(home, 101)
    assert read_release(home) == FIRST_RELEASE
