"""Where settings come from: a file, the environment before it, the command line before both; and what is wrong there.

pydantic-settings reads the environment and joins the three. Here is what it leaves out: which line or variable is at
fault, that a name nobody knows is a fault, and that a variable replaces the file's dictionary and does not mix into it.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import to_json
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from model_service.settings_file import KeyPath, SettingsFile, SettingsFileFault, read_settings_file

__all__ = [
    "CONFIG_VARIABLE",
    "DEFAULT_FILE",
    "PREFIX",
    "BesideFile",
    "WrongSettings",
    "load",
    "setting_fields",
    "settings_file",
]

PREFIX = "MODEL_SERVICE_"
CONFIG_VARIABLE = f"{PREFIX}CONFIG"
DEFAULT_FILE = Path("model-service.yaml")
SettingsT = TypeVar("SettingsT", bound=BaseSettings)


class WrongSettings(Exception):
    """The process can not start like this; the message names each setting and what is wrong with it."""


@dataclass(frozen=True)
class BesideFile:
    """A path behind `before` that stands in the file is relative to the file's folder; what has a scheme is no path."""

    before: str = ""

    def resolve(self, value: str, folder: Path) -> str:
        place = value.removeprefix(self.before)
        is_path = value.startswith(self.before) and "://" not in place
        return f"{self.before}{folder / place}" if is_path else value


def load(kind: type[SettingsT], file: Path | None, given: Mapping[str, Any]) -> SettingsT:
    """The settings of `kind`: `given`, before MODEL_SERVICE_* in the environment, before `file`, before defaults.

    Raises WrongSettings, naming everything at fault.
    """
    known = _Known(kind)
    variables = _variables(os.environ)
    read = _file_of(file)
    faults = [
        *_unknown_variables(known, variables),
        *_undecodable_variables(known, variables),
        *_file_faults(known, read),
    ]
    if faults:
        raise WrongSettings("; ".join(faults))
    try:
        return _with_file(kind, _without_overridden(known, read, variables))(**given)
    except ValidationError as error:
        raise WrongSettings("; ".join(_words(known, error, variables))) from None


def settings_file(given: Path | None) -> Path:
    """The file that is read: what was given, else what MODEL_SERVICE_CONFIG names, else model-service.yaml."""
    return given or Path(os.environ.get(CONFIG_VARIABLE) or DEFAULT_FILE)


class _Known:
    """The settings there are."""

    def __init__(self, kind: type[BaseModel]) -> None:
        self.fields = setting_fields(kind)
        self.sections = {path[:depth] for path in self.fields for depth in range(1, len(path))}
        self.paths = (*self.fields, *sorted(self.sections))


def setting_fields(section: type[BaseModel], above: KeyPath = ()) -> dict[KeyPath, FieldInfo]:
    """Every setting by its key path, those of optional sections included; sections themselves are none."""
    fields: dict[KeyPath, FieldInfo] = {}
    for name, field in section.model_fields.items():
        inner = _section_in(field)
        fields |= {(*above, name): field} if inner is None else setting_fields(inner, (*above, name))
    return fields


def _section_in(field: FieldInfo) -> type[BaseModel] | None:
    kinds = get_args(field.annotation) if get_origin(field.annotation) in {Union, UnionType} else (field.annotation,)
    return next((kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)), None)


def _variable(path: KeyPath) -> str:
    return PREFIX + "__".join(path).upper()


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    ours = {name.upper(): value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    return {name: value for name, value in ours.items() if value and name != CONFIG_VARIABLE}


# What Kubernetes puts into every container beside a Service called model-service or model-service-v1.
_SERVICE_LINK = re.compile(r"_(SERVICE_(HOST|PORT(_\w+)?)|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)$|^MODEL_SERVICE_V\d+_PORT$")


def _unknown_variables(known: _Known, variables: Mapping[str, str]) -> Iterator[str]:
    names = [_variable(path) for path in known.paths]
    for name in variables:
        if name not in names and not _SERVICE_LINK.search(name):
            yield f"{name}: there is no such setting{_meant(name, names)}"


def _undecodable_variables(known: _Known, variables: Mapping[str, str]) -> Iterator[str]:
    for path in (*known.sections, *(path for path, field in known.fields.items() if _is_json(field))):
        value = variables.get(_variable(path), "null")
        try:
            json.loads(value)
        except ValueError as error:
            yield f"{_variable(path)}: must be JSON (not JSON at character {getattr(error, 'pos', 0)})"


def _is_json(field: FieldInfo) -> bool:
    return get_origin(field.annotation) in {dict, tuple}


def _meant(name: str, names: list[str]) -> str:
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    return f"; did you mean {near[0]}?" if near else ""


def _file_of(file: Path | None) -> SettingsFile:
    path = settings_file(file)
    if path == DEFAULT_FILE and not path.exists():
        return SettingsFile(path, {})
    try:
        return read_settings_file(path)
    except SettingsFileFault as error:
        raise WrongSettings(str(error)) from None


def _file_faults(known: _Known, read: SettingsFile) -> Iterator[str]:
    """Each value of the file alone against its type, strictly: 1 is no word, true no number, "8" no number."""
    for path, value in _values(read.values, known.sections):
        here = f"{read.path} line {read.lines[path]}: `{'.'.join(path)}`"
        if path in known.sections:
            if value is not None:
                yield f"{here} must hold settings of its own"
        elif path not in known.fields:
            names = [".".join(each) for each in known.paths]
            yield f"{here} is no setting{_meant('.'.join(path), names)}"
        else:
            yield from (f"{here}: {said}" for said in _type_faults(known.fields[path], value))


def _values(values: Mapping[str, Any], sections: set[KeyPath], above: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    for name, value in values.items():
        path = (*above, str(name))
        if path in sections and isinstance(value, dict):
            yield from _values(value, sections, path)
        else:
            yield path, value


def _type_faults(field: FieldInfo, value: object) -> Iterator[str]:
    kind: TypeAdapter[Any] = TypeAdapter(Annotated[field.annotation, field])  # type: ignore[arg-type]  # no type of mypy's kind
    try:
        kind.validate_json(to_json(value), strict=True)
    except ValidationError as error:
        yield from dict.fromkeys(fault["msg"] for fault in _quiet(error))


def _without_overridden(known: _Known, read: SettingsFile, variables: Mapping[str, str]) -> dict[str, Any]:
    """What counts of the file: paths made absolute, and no value that a variable replaces, dictionaries as a whole."""
    folder = read.path.absolute().parent
    kept: dict[str, Any] = {}
    for path, value in _values(read.values, known.sections):
        if path in known.fields and _variable(path) not in variables:
            inner = kept
            for name in path[:-1]:
                inner = inner.setdefault(name, {})
            inner[path[-1]] = _placed(known.fields[path], value, folder)
    return kept


def _placed(field: FieldInfo, value: Any, folder: Path) -> Any:  # noqa: ANN401 - any setting's value
    if value is None:
        return None
    if Path in (field.annotation, *get_args(field.annotation)):
        return folder / value
    beside = next((each for each in field.metadata if isinstance(each, BesideFile)), None)
    return beside.resolve(value, folder) if beside else value


def _with_file(kind: type[SettingsT], values: dict[str, Any]) -> type[SettingsT]:
    class WithFile(kind):  # type: ignore[valid-type, misc]  # mypy knows no class in a variable
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            del dotenv_settings, file_secret_settings
            return init_settings, env_settings, InitSettingsSource(settings_cls, init_kwargs=values)

    return WithFile


def _words(known: _Known, error: ValidationError, variables: Mapping[str, str]) -> Iterator[str]:
    """Each fault with its variable: what stands in the file was found right before."""
    for fault in _quiet(error):
        # Cut to the setting: what lies below are its own keys, a token's name perhaps.
        loc = tuple(str(part) for part in fault["loc"])
        path = next(loc[:depth] for depth in range(len(loc), 0, -1) if loc[:depth] in known.paths)
        key = ".".join(path)
        if fault["type"] == "missing":
            yield f"{_variable(path)}: is required, there or as `{key}` in {DEFAULT_FILE}"
        else:
            hint = _LINK_HINT if variables.get(_variable(path), "").startswith("tcp://") else ""
            yield f"{_variable(path)}: {fault['msg']}{hint}"


_LINK_HINT = "; Kubernetes set it for a Service of this name: enableServiceLinks: false keeps it from that"


def _quiet(error: ValidationError) -> list[Any]:
    return list(error.errors(include_url=False, include_input=False, include_context=False))
