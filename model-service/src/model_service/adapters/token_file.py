"""Tokens with names: from the settings, and from a file that may be replaced while the service runs."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from hmac import compare_digest
from pathlib import Path
from typing import NamedTuple

import structlog
import yaml

__all__ = ["StaticTokens", "TokenFileBroken"]

MAX_FILE_BYTES = 1_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]{1,4096}={0,2}")  # what RFC 6750 lets a Bearer header carry

Stamp = tuple[int, int, int]

log = structlog.get_logger()


class TokenFileBroken(Exception):
    """The file can not be used; the message says where and why, without a word of the file."""


class Known(NamedTuple):
    """A valid token, as its hash: the token itself is not kept."""

    digest: bytes
    name: str


class StaticTokens:
    """Knows a token by its hash. A file that changed is read again; a broken one leaves the old tokens valid."""

    def __init__(
        self,
        tokens: Mapping[str, str],
        file: Path | None = None,
        *,
        fault_of: Callable[[bytes], str | None] = lambda _token: None,
    ) -> None:
        """`tokens`: name to token; `file`: YAML, see the README; `fault_of`: what is wrong with a token, if anything.

        Raises TokenFileBroken.
        """
        self._given = tuple(_known(tokens.items()))
        self._file = file
        self._fault_of = fault_of
        self._stamp: Stamp | None = None
        self._filed: tuple[Known, ...] = ()
        if file is not None:
            self._stamp = _stamp(file)
            self._filed = self._read(file)

    def name_of(self, token: str) -> str | None:
        """See Tokens. Every known token is compared, whichever fits."""
        if self._file is not None:
            self._follow(self._file)
        digest = _digest(token)
        found = None
        for known in (*self._given, *self._filed):
            if compare_digest(known.digest, digest):
                found = known.name
        return found

    def _follow(self, file: Path) -> None:
        stamp = _stamp(file)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._filed = self._read(file)
        except TokenFileBroken as broken:
            log.error("tokens_not_replaced", reason=str(broken))  # noqa: TRY400 - frames say nothing more
        else:
            log.info("tokens_replaced", names=sorted({known.name for known in self._filed}))

    def _read(self, file: Path) -> tuple[Known, ...]:
        pairs = tuple(_pairs(_content(file)))
        for name, token in pairs:
            fault = self._fault_of(token.encode())
            if fault:
                raise TokenFileBroken(f"{file}: the token of {name} {fault}")
        return tuple(_known(pairs))


def _known(pairs: Iterable[tuple[str, str]]) -> Iterator[Known]:
    return (Known(_digest(token), name) for name, token in pairs)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def _stamp(file: Path) -> Stamp | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _content(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise TokenFileBroken(f"{file} can not be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise TokenFileBroken(f"{file} is longer than {MAX_FILE_BYTES} bytes")
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise TokenFileBroken(f"{file} is not UTF-8") from None


def _pairs(content: str) -> Iterator[tuple[str, str]]:
    """Name and token, as YAML writes them: a name may have a list of tokens, or stand there more than once.

    The nodes are read, not what YAML makes of them, so that a token of digits stays what it is.
    """
    try:
        root = yaml.compose(content, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise TokenFileBroken(f"line {_line(error.problem_mark)} is not YAML") from None
    except (yaml.YAMLError, RecursionError):
        raise TokenFileBroken("the file is not YAML") from None
    if not isinstance(root, yaml.MappingNode):
        raise TokenFileBroken("the file must hold lines of the form name: token")
    for name, value in root.value:
        yield from _named(name, value)


def _named(name: yaml.Node, value: yaml.Node) -> Iterator[tuple[str, str]]:
    tokens = value.value if isinstance(value, yaml.SequenceNode) else [value]
    if not (isinstance(name, yaml.ScalarNode) and _NAME.fullmatch(name.value)):
        raise TokenFileBroken(f"line {_line(name.start_mark)}: a name has letters, digits, dots, dashes, at most 63")
    for token in tokens:
        if not (isinstance(token, yaml.ScalarNode) and _TOKEN.fullmatch(token.value)):
            raise TokenFileBroken(f"line {_line(token.start_mark)}: a token has letters, digits and -._~+/ alone")
        yield name.value, token.value


def _line(mark: yaml.Mark | None) -> int | str:
    return "?" if mark is None else mark.line + 1
