"""Which encoding a JSON body says it is in, found in its bytes, and only encodings of text.

The names are a closed table: Python's own look-up would import, and remember for ever, whatever name a client makes up.
"""

import encodings
import pkgutil
import re
from encodings.aliases import aliases

__all__ = ["EncodingUnknown", "NotInThatEncoding", "canonical", "encoding_named", "to_utf8"]

# Codecs that are no encoding of text, or whose decoding takes quadratic time or means something else than characters.
_OTHERS = frozenset(
    "aliases base64_codec bz2_codec charmap hex_codec idna mbcs oem punycode quopri_codec raw_unicode_escape rot_13 "
    "undefined unicode_escape uu_codec zlib_codec".split()
)
_CODECS = frozenset(module.name for module in pkgutil.iter_modules(encodings.__path__)) - _OTHERS
_NAMED = re.compile(rb'"encoding_type"\s{0,50}:\s{0,50}"([A-Za-z0-9._:+ -]{1,40})"')
# How the first bytes of JSON look, its first two characters being ASCII (RFC 4627, section 3), the longest first.
_WIDE = (
    ("utf_32_be", rb"\x00\x00\x00[^\x00]|\x00\x00\xfe\xff"),
    ("utf_32_le", rb"[^\x00]\x00\x00\x00|\xff\xfe\x00\x00"),
    ("utf_16_be", rb"\x00[^\x00]|\xfe\xff"),
    ("utf_16_le", rb"[^\x00]\x00|\xff\xfe"),
)


class EncodingUnknown(Exception):
    """No encoding of text is called so."""


class NotInThatEncoding(Exception):
    """The bytes are not what the encoding allows."""


def canonical(name: str) -> str:
    """Python's name of the encoding `name`, such as "utf_8" for "UTF-8". Raises EncodingUnknown."""
    normal = re.sub(r"[^a-z0-9]+", "_", name.strip().lower())
    codec = normal if normal in _CODECS else aliases.get(normal, "")
    if codec not in _CODECS:
        raise EncodingUnknown
    return codec


def encoding_named(body: bytes) -> str | None:
    """The value of "encoding_type" in the JSON object `body`, before it is decoded; None when it is not seen.

    Sees it in every encoding that holds ASCII as it is, and in UTF-16 and UTF-32. A first look: whoever has decoded
    the body compares.
    """
    wide = _wide(body)
    if wide is not None:
        body = body.decode(wide, errors="replace").encode("ascii", errors="replace")
    found = _NAMED.search(body)
    return found[1].decode("ascii") if found else None


def to_utf8(body: bytes, codec: str) -> bytes:
    """`body`, which is in `codec` (a canonical name), in UTF-8. Raises NotInThatEncoding."""
    wide = _wide(body)
    if wide is not None and codec == wide[:6]:
        # "UTF-16" leaves the order of the bytes to the text itself.
        codec = wide
    try:
        return body.decode(codec).removeprefix("\ufeff").encode()
    except UnicodeError:
        raise NotInThatEncoding from None


def _wide(body: bytes) -> str | None:
    return next((codec for codec, pattern in _WIDE if re.match(pattern, body)), None)
