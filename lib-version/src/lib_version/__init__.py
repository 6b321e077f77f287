"""Which version, commit and build this process runs."""

from lib_version.build_info import BuildInfo, VersionUnknown, build_info

__all__ = ["BuildInfo", "VersionUnknown", "build_info"]
