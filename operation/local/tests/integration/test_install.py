"""What the installation lacks is named, with the remedy; nothing is fetched in these tests."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

INSTALL = Path(__file__).parents[2] / "install"
NEEDED = ("sh", "cat", "dirname", "basename", "sed", "cut", "mkdir", "mktemp", "rm", "touch", "mv")


@pytest.fixture
def machine(tmp_path):
    """A checkout with nothing but the installer, on a machine with nothing but a shell and git."""
    folder = tmp_path / "checkout" / "operation" / "local"
    folder.mkdir(parents=True)
    for name in ("install", "uv.txt"):
        shutil.copy(INSTALL.with_name(name), folder)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (*NEEDED, "git"):
        (programs / name).symlink_to(shutil.which(name))
    return tmp_path


def add_python(machine, version, *, with_venv=True):
    """A python3 of that version: the real one, which says so."""
    script = f"""#!/bin/sh
case "$*" in
--version) echo "Python {version}" ;;
*version_info*) exit {int(tuple(map(int, version.split("."))) < (3, 11))} ;;
*ensurepip*) exit {int(not with_venv)} ;;
*sys.executable*) echo "$0" ;;
*) exec {sys.executable} "$@" ;;
esac
"""
    path = machine / "programs" / "python3"
    path.write_text(script)
    path.chmod(0o700)


def install(machine):
    done = subprocess.run(
        [machine / "checkout" / "operation" / "local" / "install", "run"],
        env={"PATH": str(machine / "programs"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert not (machine / "checkout" / ".venv").exists()
    return done.stderr


def test_a_missing_git_is_named(machine):
    (machine / "programs" / "git").unlink()
    assert "git is needed: apt-get install git" in install(machine)


def test_a_missing_python_is_named(machine):
    assert "Python 3.11 or newer is needed" in install(machine)


def test_a_python_too_old_is_named_with_what_to_do(machine):
    add_python(machine, "3.9.2")
    said = install(machine)
    assert "python3 is Python 3.9.2" in said
    assert "apt-get install python3" in said
    assert "make PYTHON=" in said


def test_a_python_without_venv_is_named_with_what_to_do(machine):
    add_python(machine, "3.12.3", with_venv=False)
    assert "apt-get install python3-venv" in install(machine)
