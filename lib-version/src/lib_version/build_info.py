"""Which version, commit and build of a component this process runs.

An installed wheel carries a stamp (`_build.py`) written when it was built. A checkout has none: there the code changes
under the process, so git is asked at start; its build time is the commit's, since nothing was built.
"""

import json
import subprocess
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import import_module, metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

GIT_TIMEOUT_S = 5.0


class VersionUnknown(Exception):
    """Neither a stamp nor git can say what runs; the message names the component and the remedy."""


@dataclass(frozen=True)
class BuildInfo:
    """What `/version` answers. `built_at` is UTC in ISO 8601; `version` follows PEP 440."""

    component: str
    version: str
    commit: str
    built_at: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


def build_info(distribution: str, *, component: str | None = None) -> BuildInfo:
    """The build of the installed `distribution`, named `component` (its tag prefix) where the two differ.

    Raises VersionUnknown when the distribution is not installed, carries no stamp, or its checkout has no git.
    """
    component = component or distribution
    try:
        installed = metadata.distribution(distribution)
    except metadata.PackageNotFoundError as error:
        raise VersionUnknown(f"{distribution} is not installed here: run `make run` once.") from error
    checkout = _checkout_of(installed)
    if checkout is not None:
        return _from_git(component, checkout)
    return _from_stamp(component, _package_of(installed))


def _checkout_of(installed: metadata.Distribution) -> Path | None:
    """The source folder of an editable install (PEP 610), None for a wheel."""
    origin = json.loads(installed.read_text("direct_url.json") or "{}")
    if not origin.get("dir_info", {}).get("editable"):
        return None
    return Path(unquote(urlparse(origin["url"]).path))


def _package_of(installed: metadata.Distribution) -> str:
    return installed.metadata["Name"].replace("-", "_")


def _from_stamp(component: str, package: str) -> BuildInfo:
    try:
        stamp = import_module(f"{package}._build")
    except ModuleNotFoundError as error:
        raise VersionUnknown(f"The wheel of {component} has no build stamp: build it with `uv build`.") from error
    return BuildInfo(component, stamp.VERSION, stamp.COMMIT, stamp.BUILT_AT)


def _from_git(component: str, checkout: Path) -> BuildInfo:
    commit, committed_at = _git(checkout, "log", "-1", "--format=%H %cI", "--date=iso-strict").split()
    changed = bool(_git(checkout, "status", "--porcelain", "--untracked-files=no", "--", "."))
    version = version_from_tag(_described(checkout, component), commit, changed=changed)
    return BuildInfo(component, version, commit + ("-dirty" if changed else ""), _as_utc(committed_at))


def _described(checkout: Path, component: str) -> str | None:
    """`<component>/v1.2.0-5-gabc…`, or None where the component was never tagged."""
    try:
        return _git(checkout, "describe", "--tags", "--long", "--abbrev=40", "--match", f"{component}/v*")
    except VersionUnknown:
        return None


def version_from_tag(described: str | None, commit: str, *, changed: bool) -> str:
    """A PEP 440 version: the tag's own on its clean commit, else one that sorts after it and before the next."""
    local = f"g{commit[:9]}" + (".dirty" if changed else "")
    if described is None:
        return f"0.1.dev0+{local}"
    tag, distance, _ = described.rsplit("-", 2)
    released = tag.rsplit("/v", 1)[1]
    if distance == "0" and not changed:
        return released
    return f"{released}.post{distance}+{local}"


def _as_utc(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program with arguments of ours
            command, check=True, capture_output=True, text=True, timeout=GIT_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise VersionUnknown(f"git can't tell what {folder} runs: install git and clone, don't copy.") from error
    return done.stdout.strip()
