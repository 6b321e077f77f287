import os
import stat
import subprocess
import sys

import pytest
from local_stack.home import Home, HomeInUse


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path / "palate")
    home.prepare()
    return home


def test_the_key_is_secret_long_enough_and_stays(home):
    key = home.prediction_key.read_bytes()
    assert len(key) >= 32
    assert stat.S_IMODE(home.prediction_key.stat().st_mode) == 0o600
    home.prepare()
    assert home.prediction_key.read_bytes() == key
    assert not list(home.root.glob(".prediction*"))


def test_the_app_s_token_is_secret_known_to_the_model_services_and_stays(home):
    token = home.app_token.read_text()
    assert len(token) >= 32
    assert home.tokens.read_text() == f"app: {token}\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in (home.app_token, home.tokens)} == {0o600}
    home.tokens.write_text(f"app: {token}\nscript: another\n")
    home.prepare()
    assert (home.app_token.read_text(), home.tokens.read_text()) == (token, f"app: {token}\nscript: another\n")


def test_a_held_home_is_refused_to_the_next_and_names_process_and_port(home):
    with home.held(8080), pytest.raises(HomeInUse, match=f"process {os.getpid()}, port 8080"), home.held(9000):
        pass


def test_a_home_knows_the_port_of_the_stack_that_runs_on_it(home):
    assert home.running_port() is None
    with home.held(9000):
        assert home.running_port() == 9000
    assert home.running_port() is None


def test_a_killed_stack_holds_its_home_no_longer(home):
    hold = (
        f"import pathlib, os, local_stack.home as h\nwith h.Home(pathlib.Path({str(home.root)!r})).held(1): os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", hold], check=False)
    assert home.running_port() is None
    with home.held(8080):
        assert home.running_port() == 8080


def test_a_damaged_note_does_not_hide_that_the_home_is_held(home):
    with home.held(8080):
        (home.root / "running.json").write_text("{")
        assert home.running_port() is None
        with pytest.raises(HomeInUse, match="just starting"), home.held(9000):
            pass
