import sys
from pathlib import Path

import pytest
from local_stack.home import Home
from local_stack.ports import Ports
from local_stack.programs import Program, migration, programs
from local_stack.supervisor_config import supervisor_config
from supervisor.options import ServerOptions


def read_by_supervisor(text, folder):
    """The programs as supervisord itself understands the file, and its options."""
    path = folder / "supervisord.conf"
    path.write_text(text)
    options = ServerOptions()
    options.realize(["-c", str(path)])
    [group] = options.process_group_configs
    return {each.name: each for each in group.process_configs}, options


@pytest.mark.parametrize("name", ["plain", "with blank", "back#and;forth", "umlaut-ä", "comma, equals=1"])
def test_supervisor_reads_back_what_was_meant(tmp_path, name):
    home = Home(tmp_path / name)
    home.prepare()
    expected = programs(home, Ports.following(8080))
    understood, options = read_by_supervisor(supervisor_config(home, expected, 1), home.root)
    assert [*understood] == [program.name for program in expected]
    assert Path(options.logfile) == home.logs / "supervisord.log"
    for program in expected:
        seen = understood[program.name]
        assert {**seen.environment, "PYTHONUNBUFFERED": "1"} == {**program.environment, "PYTHONUNBUFFERED": "1"}
        assert Path(seen.stdout_logfile) == home.log(program.name)
        assert seen.stdout_logfile_maxbytes == 5 * 1024 * 1024
        assert (seen.autorestart.__name__, seen.killasgroup, seen.stopasgroup) == ("RestartUnconditionally", True, True)


@pytest.mark.parametrize("name", ['quo"te', "quo'te", "back\\slash", "new\nline", "a #b", "50%", "a ;b", "what?"])
def test_a_path_supervisor_cannot_hold_is_refused_and_never_cut(tmp_path, name):
    home = Home(tmp_path / name)
    with pytest.raises(ValueError, match="can't hold"):
        supervisor_config(home, programs(home, Ports.following(8080)), 1)


def test_a_command_with_a_quote_in_it_is_refused():
    program = Program("odd", ("/bin/echo", 'say "this"'), "http://localhost")
    with pytest.raises(ValueError, match="can't hold"):
        supervisor_config(Home(Path("/nowhere")), (program,), 1)


def test_each_version_has_its_own_ports_model_and_feedback():
    home, ports = Home(Path("/state")), Ports.following(9000)
    by_name = {program.name: program for program in programs(home, ports)}
    assert [*by_name] == ["model-service-v1", "model-service-v2", "app-v1", "app-v2", "gateway"]
    for place, version in enumerate(("v1", "v2")):
        app, model = by_name[f"app-{version}"].environment, by_name[f"model-service-{version}"].environment
        assert app["APP_RELEASE"] == version
        assert app["APP_PORT"] == str(9001 + place)
        assert app["APP_MODEL_SERVICE_URL"] == f"http://127.0.0.1:{9005 + place}"
        assert app["APP_STORE_URL"] == "sqlite:////state/palate.db"
        assert model["MODEL_SERVICE_PORT"] == str(9003 + place)
        assert model["MODEL_SERVICE_ALIAS"] == f"sentiment/{version}"
        assert model["MODEL_SERVICE_FEEDBACK_URL"] == f"sqlite:////state/feedback-{version}.db"
        assert model["MODEL_SERVICE_REGISTRY"] == "/state/registry"


def test_the_store_is_migrated_by_the_program_beside_this_python():
    program = migration(Home(Path("/state")))
    assert program.command == (str(Path(sys.executable).with_name("review-app-migrate")),)
    assert program.environment == {"APP_STORE_URL": "sqlite:////state/palate.db"}
