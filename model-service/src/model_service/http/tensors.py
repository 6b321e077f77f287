"""The tensors of the Open Inference Protocol: as JSON, or as bytes behind it (its binary-data extension).

BYTES elements are texts; on the wire each has its length before it, four bytes, little-endian.
"""

import struct
from collections.abc import Iterator, Sequence
from math import prod
from typing import Any

from lib_web.problems import FieldError, Problem
from pydantic import BaseModel, ConfigDict, Field

from model_service.http.problem_types import problem

__all__ = ["InferInput", "InferOutput", "InferRequest", "Tensor", "refused", "split_body", "texts_of"]

_LENGTH = struct.Struct("<I")
_MAX_JSON_DIGITS = 10


class ProtocolBody(BaseModel):
    """Strict types, but members that are not known here are left alone: the protocol may grow."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore")


class InferInput(ProtocolBody):
    """The texts."""

    name: str = Field(max_length=255)
    datatype: str = Field(max_length=16, json_schema_extra={"const": "BYTES"})
    shape: list[int] = Field(description="[n] or [n, 1]", min_length=1, max_length=2)
    data: list[Any] | None = Field(None, description="n texts, flat or each in a list; absent when sent as bytes")
    parameters: dict[str, Any] | None = Field(None, description="binary_data_size: the texts follow as so many bytes")


class InferOutput(ProtocolBody):
    """What is asked for."""

    name: str = Field(max_length=255, json_schema_extra={"enum": ["label", "probabilities"]})
    parameters: dict[str, Any] | None = Field(None, description="binary_data: as bytes behind the JSON")


class InferRequest(ProtocolBody):
    """One tensor of texts."""

    id: str | None = Field(None, description="Comes back in the reply", max_length=255)
    inputs: list[InferInput] = Field(min_length=1, max_length=1)
    outputs: list[InferOutput] | None = Field(None, description="None: all of them", max_length=16)
    parameters: dict[str, Any] | None = Field(None, description="binary_data_output: all outputs as bytes")


class Tensor:
    """One output; `values` are texts or numbers, row by row."""

    def __init__(self, name: str, datatype: str, shape: Sequence[int], values: Sequence[Any]) -> None:
        self._values = values
        self._described = {"name": name, "datatype": datatype, "shape": list(shape)}

    def document(self) -> dict[str, Any]:
        """With the values as JSON."""
        return self._described | {"data": self._values}

    def binary(self) -> tuple[dict[str, Any], bytes]:
        """Without the values, and the bytes that go behind the JSON."""
        if self._described["datatype"] == "BYTES":
            raw = b"".join(_LENGTH.pack(len(each)) + each for each in map(str.encode, self._values))
        else:
            raw = struct.pack(f"<{len(self._values)}d", *self._values)
        return self._described | {"parameters": {"binary_data_size": len(raw)}}, raw


def refused(field: str, detail: str) -> Problem:
    """A request that is no valid one."""
    errors: list[FieldError] = [{"field": field, "detail": detail}]
    return Problem(422, "Unprocessable Content", f"The body does not fit: {field}.", errors=errors)


def split_body(body: bytes, json_length: str | None) -> tuple[bytes, bytes]:
    """The JSON, and what follows it; `json_length` is the header Inference-Header-Content-Length."""
    if json_length is None:
        return body, b""
    digits = json_length.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= _MAX_JSON_DIGITS and int(digits) <= len(body)):
        raise refused("Inference-Header-Content-Length", "Must be the length of the JSON at the body's beginning.")
    return body[: int(digits)], body[int(digits) :]


def texts_of(sent: InferInput, rest: bytes) -> list[Any]:
    """The elements of a tensor of texts; they need not be texts yet. `rest`: the bytes behind the JSON."""
    if sent.datatype != "BYTES":
        raise refused("inputs.0.datatype", "Must be BYTES.")
    size = (sent.parameters or {}).get("binary_data_size")
    if size is None and rest:
        raise refused("inputs.0.parameters.binary_data_size", "Must say how many bytes follow the JSON.")
    if size is None:
        texts = list(_flat(sent.data)) if sent.data is not None else []
    elif size != len(rest):
        raise refused("inputs.0.parameters.binary_data_size", f"{len(rest)} bytes follow the JSON.")
    else:
        texts = list(_unpacked(rest))
    if (len(sent.shape) > 1 and sent.shape[1] != 1) or min(sent.shape) < 0 or prod(sent.shape) != len(texts):
        raise refused("inputs.0.shape", f"Must be [n] or [n, 1], of {len(texts)} elements.")
    return texts


def _flat(data: list[Any]) -> Iterator[Any]:
    for element in data:
        if isinstance(element, list) and len(element) == 1:
            yield element[0]
        else:
            yield element


def _unpacked(raw: bytes) -> Iterator[str]:
    at = 0
    while at < len(raw):
        if at + _LENGTH.size > len(raw):
            raise _not_decodable("A length is cut off.")
        (length,) = _LENGTH.unpack_from(raw, at)
        at += _LENGTH.size
        if at + length > len(raw):
            raise _not_decodable("A text is shorter than the length before it.")
        try:
            yield raw[at : at + length].decode()
        except UnicodeDecodeError:
            raise _not_decodable("A text is not UTF-8.") from None
        at += length


def _not_decodable(detail: str) -> Problem:
    errors: list[FieldError] = [{"field": "inputs.0", "detail": detail}]
    return problem("request-not-decodable", "The bytes behind the JSON are not texts.", errors=errors)
