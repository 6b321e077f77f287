"""A registry of bundles in a folder: content-addressed bundles, and small alias files that point at one of them.

`bundles/<sha256>/` holds a bundle and never changes; `aliases/<task>/<name>.json` says which one is wanted. Both appear
by rename, so that a reader never meets half of one. Going back is pointing the alias at an earlier bundle.
"""

import json
import os
import re
import secrets
import shutil
from pathlib import Path

from lib_ml.bundle import ARRAYS, MANIFEST, SIGNATURE, VOCABULARY, sha256_of

_ALIAS = re.compile(r"[a-z][a-z0-9-]{0,62}/[a-z0-9][a-z0-9.-]{0,62}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
MAX_ALIAS_BYTES = 4096


class RegistryError(Exception):
    """The registry can't say what was asked; the message names the alias or bundle and what is wrong."""


class AliasUnknown(RegistryError):
    """Nothing was ever published under the alias."""


class FolderRegistry:
    """A registry in the folder `root`, which is made when the first bundle is published."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def publish(self, bundle: Path, alias: str) -> str:
        """Copies the bundle in the folder `bundle` into the registry, then points `alias` at it; returns its sha256."""
        sha256 = sha256_of((bundle / MANIFEST).read_bytes())
        self._store(bundle, self.bundle_folder(sha256))
        self.point(alias, sha256)
        return sha256

    def point(self, alias: str, sha256: str) -> None:
        """Makes `alias` want the stored bundle `sha256`. Raises RegistryError when it is not there."""
        if not self.bundle_folder(sha256).is_dir():
            raise RegistryError(f"bundle {sha256[:12]} is not in the registry")
        target = self._alias_file(alias)
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = _beside(target)
        _write_durably(fresh, json.dumps({"sha256": sha256}).encode() + b"\n")
        fresh.replace(target)

    def resolve(self, alias: str) -> str:
        """The sha256 of the bundle that `alias` wants. Raises RegistryError."""
        try:
            with open(self._alias_file(alias), "rb", opener=_without_waiting) as stream:
                wanted = json.loads(stream.read(MAX_ALIAS_BYTES))["sha256"]
        except FileNotFoundError as error:
            raise AliasUnknown(f"no alias {alias!r} in the registry: publish a model under it") from error
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise RegistryError(f"alias {alias!r} can't be read: {error.__class__.__name__}") from error
        if not isinstance(wanted, str) or not _SHA256.fullmatch(wanted):
            raise RegistryError(f"alias {alias!r} does not name a sha256")
        return wanted

    def bundle_folder(self, sha256: str) -> Path:
        if not _SHA256.fullmatch(sha256):
            raise RegistryError("a bundle is named by 64 hexadecimal digits")
        return self.root / "bundles" / sha256

    def _alias_file(self, alias: str) -> Path:
        if not _ALIAS.fullmatch(alias):
            raise RegistryError(f"{alias[:80]!r} is no alias: write task/name, such as sentiment/v1")
        return self.root / "aliases" / f"{alias}.json"

    def _store(self, bundle: Path, target: Path) -> None:
        if target.is_dir():
            if not _differs(bundle, target):
                return
            shutil.rmtree(target)
        fresh = _beside(target)
        fresh.mkdir(parents=True)
        try:
            for name in (MANIFEST, VOCABULARY, ARRAYS, SIGNATURE):
                if (bundle / name).is_file():
                    _write_durably(fresh / name, (bundle / name).read_bytes())
            fresh.rename(target)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise


def _without_waiting(path: str, flags: int) -> int:
    """Opening a FIFO would else wait for ever for somebody to write to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _differs(bundle: Path, stored: Path) -> bool:
    """Whether the stored copy was damaged, or lacks a signature that the new one brings."""
    return any(
        (bundle / name).is_file()
        and not ((stored / name).is_file() and (stored / name).read_bytes() == (bundle / name).read_bytes())
        for name in (MANIFEST, VOCABULARY, ARRAYS, SIGNATURE)
    )


def _beside(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}")


def _write_durably(path: Path, content: bytes) -> None:
    with path.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
