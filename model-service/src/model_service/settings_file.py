"""The file `model-service.yaml`: plain YAML 1.2 values, each with the line it stands on.

Beyond plain YAML nothing is read: anchors, aliases, merge keys and tags can make a small file huge or a value something
else than it looks. `on`, `off`, `yes`, `no` and 12:30 are words here, as in YAML 1.2, and not the booleans and numbers
of YAML 1.1.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

__all__ = ["MAX_FILE_BYTES", "KeyPath", "SettingsFile", "SettingsFileFault", "read_settings_file"]

MAX_FILE_BYTES = 1_000_000
_MAX_DEPTH = 10  # the settings need three

KeyPath = tuple[str, ...]


class SettingsFileFault(Exception):
    """The file can't be read; the message has the file, the line where there is one, and the remedy."""


@dataclass(frozen=True)
class SettingsFile:
    """What stands in the file at `path`; `lines` has the line of each key path, counted from 1."""

    path: Path
    values: dict[str, Any]
    lines: dict[KeyPath, int] = field(default_factory=dict)


class _PlainLoader(yaml.SafeLoader):
    """Knows the scalars of YAML 1.2's core schema, less infinity and NaN, which no setting can be."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - how PyYAML wants it


for _tag, _pattern, _first in (
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("int", r"^[-+]?(?:0|[1-9][0-9]*)$", list("-+0123456789")),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+0123456789.")),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), _first)


def read_settings_file(path: Path) -> SettingsFile:
    """The settings in `path`. Raises SettingsFileFault; it never repeats a value."""
    text = _text(path)
    try:
        _refuse_beyond_plain(path, text)
        root = _PlainLoader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _fault(path, error.problem_mark, _without_quotation(error)) from None
    except yaml.YAMLError:
        raise SettingsFileFault(f"{path}: holds a character that YAML does not allow") from None
    read = SettingsFile(path, {})
    if root is not None and not (isinstance(root, yaml.ScalarNode) and not root.value):
        if not isinstance(root, yaml.MappingNode):
            raise _fault(path, root.start_mark, "must hold `setting: value` lines")
        read.values.update(_mapping(read, root, ()))
    return read


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise SettingsFileFault(f"{path}: can not be read: {error.strerror}") from None
    if len(raw) > MAX_FILE_BYTES:
        raise SettingsFileFault(f"{path}: is longer than {MAX_FILE_BYTES} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SettingsFileFault(f"{path}: must be UTF-8; byte {error.start} is not") from None


def _refuse_beyond_plain(path: Path, text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=_PlainLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _fault(path, event.start_mark, "anchors and aliases are not read; write the value out")
        if getattr(event, "tag", None):
            raise _fault(path, event.start_mark, "tags are not read; write the plain value")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _fault(path, event.start_mark, f"is nested deeper than {_MAX_DEPTH} levels")


def _mapping(read: SettingsFile, node: yaml.MappingNode, above: KeyPath) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key, value in _keys(read.path, node):
        here = (*above, key.value)
        if key.value in values:
            raise _fault(read.path, key.start_mark, f"`{'.'.join(here)}` stands in line {read.lines[here]} already")
        read.lines[here] = key.start_mark.line + 1
        values[key.value] = _value(read, value, here)
    return values


def _keys(path: Path, node: yaml.MappingNode) -> Iterator[tuple[yaml.ScalarNode, yaml.Node]]:
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _fault(path, key.start_mark, "a key must be a word")
        yield key, value


def _value(read: SettingsFile, node: yaml.Node, here: KeyPath) -> Any:  # noqa: ANN401 - whatever YAML holds
    if isinstance(node, yaml.MappingNode):
        return _mapping(read, node, here)
    if isinstance(node, yaml.SequenceNode):
        return [_value(read, each, (*here, str(place))) for place, each in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode) and node.style in ("'", '"') and not node.value:
        raise _fault(read.path, node.start_mark, "is empty; leave the key out or write null")
    try:
        return _PlainLoader("").construct_object(node)
    except ValueError:
        raise _fault(read.path, node.start_mark, f"`{'.'.join(here)}` is too long a number") from None


def _without_quotation(error: yaml.MarkedYAMLError) -> str:
    """What the parser says, less what it quotes of the file: that may be a part of a secret."""
    if error.problem and "'\\t'" in error.problem:
        return "is indented with a tab; use spaces"
    said = re.sub(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", "…", error.problem or "is not YAML")
    return f"is not YAML: {said}; a value with special characters needs quotes"


def _fault(path: Path, mark: Any, what: str) -> SettingsFileFault:  # noqa: ANN401 - either of PyYAML's two marks
    line = f" line {mark.line + 1}" if mark is not None else ""
    return SettingsFileFault(f"{path}{line}: {what}")
