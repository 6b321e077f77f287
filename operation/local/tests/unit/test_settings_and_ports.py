from pathlib import Path

import pytest
from local_stack.ports import Ports
from local_stack.settings import LocalSettings, SettingsRefused

CHECKOUT = Path(__file__).resolve().parents[4]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    monkeypatch.delenv("PALATE_PORT", raising=False)
    monkeypatch.delenv("PALATE_HOME", raising=False)


def test_without_settings_the_gateway_is_at_8080_and_the_state_in_the_checkout():
    assert LocalSettings.read() == LocalSettings(port=8080, home=CHECKOUT / ".palate")


def test_an_empty_setting_is_none(monkeypatch):
    monkeypatch.setenv("PALATE_PORT", "")
    monkeypatch.setenv("PALATE_HOME", "")
    assert LocalSettings.read().port == 8080


def test_the_home_is_absolute_wherever_it_was_named_from(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PALATE_HOME", "state")
    assert LocalSettings.read().home == tmp_path / "state"
    monkeypatch.setenv("PALATE_HOME", "~/state")
    assert LocalSettings.read().home == Path.home() / "state"


@pytest.mark.parametrize("port", ["0", "65529", "-1", "http", "80.5"])
def test_a_port_that_cannot_be_is_refused_by_its_name(monkeypatch, port):
    monkeypatch.setenv("PALATE_PORT", port)
    with pytest.raises(SettingsRefused, match="PALATE_PORT"):
        LocalSettings.read()


def test_all_ports_follow_the_gateway_and_none_twice():
    ports = Ports.following(8080)
    assert ports.app == {"v1": 8081, "v2": 8082}
    assert ports.model_service == {"v1": 8083, "v2": 8084}
    assert ports.egress == {"v1": 8085, "v2": 8086}
    assert ports.admin == 8087
    assert sorted(ports.by_name().values()) == list(range(8080, 8088))
