"""The hatch build hook of every member: writes `_build.py` into the wheel, for lib_version to read.

An installed wheel has no git beside it, so version, commit and build time are written down while there is one.
A build without `.git` (inside an image) takes the commit from PALATE_COMMIT; without either it fails.
"""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MODULE = '''\
"""Written when the wheel was built; lib_version reads it."""

VERSION = {version!r}
COMMIT = {commit!r}
BUILT_AT = {built_at!r}
'''


class BuildStamp(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Adds the stamp to a wheel; an editable install gets none, there lib_version asks git."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        package = Path(self.root, self.build_config.packages[0])
        stamp = Path(self.directory, f"{package.name}_build.py")
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(
            MODULE.format(version=self.metadata.version, commit=self._commit(), built_at=_built_at()),
            encoding="utf-8",
        )
        build_data["force_include"][str(stamp)] = f"{package.name}/_build.py"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002 - hatch's signature
        for stamp in build_data["force_include"]:
            Path(stamp).unlink(missing_ok=True)

    def _commit(self) -> str:
        if commit := os.environ.get("PALATE_COMMIT"):
            return commit
        git = ["git", "-C", self.root, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        try:
            return subprocess.run(git, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit("No git history here to read the commit from: set PALATE_COMMIT.") from error


def _built_at() -> str:
    """Now, or SOURCE_DATE_EPOCH where the builder wants the same wheel twice."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
