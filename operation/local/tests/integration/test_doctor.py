"""What stands in the way of a start is named, with its remedy."""

import socket

import pytest
from local_stack import doctor
from local_stack.home import Home
from local_stack.ports import Ports
from running_stack import free_gateway_port


@pytest.fixture
def ports():
    return Ports.following(free_gateway_port())


@pytest.fixture
def listener(ports):
    """Something else that listens on app-v2's port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", ports.app["v2"]))
        listener.listen()
        yield listener


def test_nothing_stands_in_the_way_here(tmp_path, ports):
    assert doctor.obstacles(Home(tmp_path / "new" / "folder"), ports) == []


@pytest.mark.usefixtures("listener")
def test_a_port_in_use_is_named_with_its_user_and_free_ports(tmp_path, ports):
    [trouble] = doctor.obstacles(Home(tmp_path), ports)
    assert f"port {ports.app['v2']} for app-v2 is in use by process" in trouble
    assert "PALATE_PORT=" in trouble
    proposed = int(trouble.split("PALATE_PORT=")[1].split()[0])
    assert doctor.port_troubles(Ports.following(proposed)) == []


def test_a_port_someone_opened_to_the_whole_world_is_in_use_too(ports):
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("0.0.0.0", ports.gateway))
        listener.listen()
        assert f"port {ports.gateway} for gateway is in use" in doctor.port_troubles(ports)[0]


def test_a_folder_that_cannot_be_written_is_named_with_the_remedy(tmp_path, ports):
    (tmp_path / "file").write_text("no folder")
    [trouble] = doctor.obstacles(Home(tmp_path / "file" / "home"), ports)
    assert f"{tmp_path / 'file' / 'home'} can't be written" in trouble
    assert "PALATE_HOME=/another/folder make run" in trouble


def test_a_folder_without_room_is_named_with_the_remedy(tmp_path, ports, monkeypatch):
    monkeypatch.setattr(doctor, "_FREE_BYTES", 2**60)
    [trouble] = doctor.obstacles(Home(tmp_path), ports)
    assert "MB are needed" in trouble
    assert "PALATE_HOME" in trouble


def test_a_folder_whose_name_no_configuration_can_hold_is_named(tmp_path, ports):
    [trouble] = doctor.obstacles(Home(tmp_path / 'quo"te'), ports)
    assert "choose another folder" in trouble


def test_a_missing_tool_is_named_with_the_remedy(tmp_path, ports, monkeypatch):
    monkeypatch.setattr(doctor, "SCRIPTS", ("no-such-service",))
    monkeypatch.setenv("PATH", str(tmp_path))
    troubles = doctor.obstacles(Home(tmp_path), ports)
    assert any("no-such-service is not installed" in each and "make run" in each for each in troubles)
    assert any("git is not installed: apt-get install git" in each for each in troubles)


@pytest.mark.parametrize("content", ["#!/bin/sh\necho GLIBC_2.99 not found >&2; exit 1\n", "no program"])
def test_a_gateway_that_does_not_run_here_is_named(tmp_path, ports, monkeypatch, content):
    program = tmp_path / "envoy"
    program.write_text(content)
    program.chmod(0o700)
    monkeypatch.setattr(doctor, "ENVOY", str(program))
    [trouble] = doctor.obstacles(Home(tmp_path), ports)
    assert "the gateway's program" in trouble


def test_a_python_too_old_is_named(tmp_path, ports, monkeypatch):
    monkeypatch.setattr(doctor, "_PYTHON", (3, 99))
    [trouble] = doctor.obstacles(Home(tmp_path), ports)
    assert "install Python 3.11" in trouble
