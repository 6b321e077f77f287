"""How Envoy's configuration is written as JSON."""

from typing import Any

__all__ = ["EXTENSIONS", "Message", "typed"]

EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"

Message = dict[str, Any]


def typed(type_url: str, **fields: Any) -> Message:  # noqa: ANN401 - any of protobuf's values
    """A message that says its own type, as Envoy wants it wherever an extension is configured."""
    return {"@type": type_url, **fields}
