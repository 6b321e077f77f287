"""A real component, tagged in a real repository, installed in both ways into a real environment."""

import json
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from lib_version import VersionUnknown, build_info

LIB_VERSION = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PYPROJECT = f"""
[build-system]
requires = ["hatchling", "hatch-vcs"]
build-backend = "hatchling.build"
[project]
name = "soup-kitchen"
dynamic = ["version"]
[tool.hatch.version]
source = "vcs"
tag-pattern = "^kitchen/v(?P<version>.*)$"
raw-options = {{ root = "..", git_describe_command = ["git", "describe", "--tags", "--long", "--match", "kitchen/v*"] }}
[tool.hatch.build.hooks.custom]
path = "{LIB_VERSION}/build_stamp.py"
[tool.hatch.build.targets.wheel]
packages = ["src/soup_kitchen"]
"""
ASK = "from lib_version import build_info; print(build_info('soup-kitchen', component='kitchen').as_dict())"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a component in a folder, tagged kitchen/v1.4.0, beside another component's tag."""
    root = tmp_path_factory.mktemp("repository")
    package = root / "kitchen/src/soup_kitchen"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (root / "kitchen/pyproject.toml").write_text(PYPROJECT)
    git = ("git", "-c", "user.name=Cook", "-c", "user.email=cook@example.org")
    run(*git, "init", "-q", cwd=root)
    run(*git, "add", ".", cwd=root)
    run(*git, "commit", "-q", "-m", "Open", cwd=root)
    run(*git, "tag", "kitchen/v1.4.0", cwd=root)
    run(*git, "tag", "bakery/v9.0.0", cwd=root)
    return root


def environment(folder: Path, *requirements: str | Path) -> Path:
    """The Python of a fresh environment with lib_version and `requirements` in it."""
    venv.create(folder)
    uv = (UV, "pip", "install", "-q", "--python", folder / "bin/python")
    run(*uv, LIB_VERSION, *requirements, cwd=folder)
    return folder / "bin/python"


def asked(python: Path) -> dict[str, str]:
    answer: dict[str, str] = json.loads(run(python, "-c", ASK, cwd=python.parent).replace("'", '"'))
    return answer


def test_a_wheel_says_what_it_was_built_from_without_git(checkout, tmp_path):
    run(UV, "build", "-q", "--wheel", "--out-dir", tmp_path / "dist", checkout / "kitchen", cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("soup_kitchen-*.whl")
    info = asked(environment(tmp_path / "env", wheel))
    assert info["component"] == "kitchen"
    assert info["version"] == "1.4.0"
    assert info["commit"] == run("git", "rev-parse", "HEAD", cwd=checkout)
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", info["built_at"])


def test_a_wheel_built_without_git_says_what_it_was_told(checkout, tmp_path, monkeypatch):
    """As inside an image, whose build context has no .git."""
    shutil.copytree(checkout, tmp_path / "context", ignore=shutil.ignore_patterns(".git"))
    build = (UV, "build", "--wheel", "--out-dir", tmp_path / "dist", tmp_path / "context/kitchen")
    monkeypatch.setenv("SETUPTOOLS_SCM_PRETEND_VERSION", "2.0.0")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1800000000")
    untold = subprocess.run(build, capture_output=True, text=True, timeout=120, check=False)
    assert untold.returncode != 0
    assert "set PALATE_COMMIT" in untold.stderr

    monkeypatch.setenv("PALATE_COMMIT", "0123abc")
    run(*build, cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("soup_kitchen-*.whl")
    monkeypatch.delenv("PALATE_COMMIT")
    monkeypatch.delenv("SETUPTOOLS_SCM_PRETEND_VERSION")
    info = asked(environment(tmp_path / "env", wheel))
    assert info == {
        "component": "kitchen",
        "version": "2.0.0",
        "commit": "0123abc",
        "built_at": "2027-01-15T08:00:00Z",
    }


def test_a_checkout_says_what_lies_there_now(checkout, tmp_path):
    python = environment(tmp_path / "env", "-e", checkout / "kitchen")
    commit = run("git", "rev-parse", "HEAD", cwd=checkout)
    assert (asked(python)["version"], asked(python)["commit"]) == ("1.4.0", commit)

    (checkout / "elsewhere.txt").write_text("another component's business")
    assert asked(python)["commit"] == commit

    source = checkout / "kitchen/src/soup_kitchen/__init__.py"
    source.write_text("SOUP = 'leek'\n")
    try:
        assert asked(python)["commit"] == f"{commit}-dirty"
        assert asked(python)["version"] == f"1.4.0.post0+g{commit[:9]}.dirty"
    finally:
        source.write_text("")


def test_what_is_not_installed_is_named():
    with pytest.raises(VersionUnknown, match="soup-kitchen is not installed"):
        build_info("soup-kitchen")


def test_a_distribution_without_a_stamp_is_named():
    with pytest.raises(VersionUnknown, match="pytest has no build stamp"):
        build_info("pytest")


def test_this_very_checkout_answers():
    info = build_info("lib-version")
    assert info.component == "lib-version"
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", info.commit)
