"""Which encoding a body says it is in, and only encodings of text."""

import json
import time

import pytest
from model_service.domain import EncodingUnknown, NotInThatEncoding, canonical, encoding_named, to_utf8

TEXT = "Grüße aus Köln"


def body(name: str, text: str = TEXT) -> str:
    return json.dumps({"request_id": 1, "text": text, "encoding_type": name}, ensure_ascii=False)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("UTF-8", "utf_8"), ("utf8", "utf_8"), ("Latin-1", "latin_1"), ("ISO-8859-1", "latin_1"),
        ("iso-8859-15", "iso8859_15"), ("windows-1252", "cp1252"), ("cp1252", "cp1252"), ("Shift_JIS", "shift_jis"),
        ("GB18030", "gb18030"), ("big5", "big5"), ("koi8-r", "koi8_r"), ("UTF-16", "utf_16"), ("utf-16le", "utf_16_le"),
        ("UTF-32", "utf_32"), ("us-ascii", "ascii"), ("utf-8-sig", "utf_8_sig"), ("mac-roman", "mac_roman"),
    ],
)  # fmt: skip
def test_an_encoding_has_many_names(name, codec):
    assert canonical(name) == codec


@pytest.mark.parametrize(
    "name",
    ["rot13", "rot_13", "base64", "base64_codec", "zip", "zlib", "bz2", "hex", "uu", "quopri", "idna", "punycode",
     "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap", "aliases", "", "utf-9", "../utf_8",
     "os", "encodings.utf_8", "x" * 1000],
)  # fmt: skip
def test_what_is_no_encoding_of_text_is_unknown(name):
    with pytest.raises(EncodingUnknown):
        canonical(name)


@pytest.mark.parametrize(
    "name", ["UTF-8", "ISO-8859-1", "cp1252", "mac-roman", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"]
)
def test_the_name_is_found_and_the_text_arrives(name):
    raw = body(name).encode(name)
    assert encoding_named(raw) == name
    assert json.loads(to_utf8(raw, canonical(name)))["text"] == TEXT


@pytest.mark.parametrize(
    ("name", "text"), [("Shift_JIS", "表示ソ十"), ("gb18030", "你好"), ("big5", "功許"), ("euc-jp", "日本")]
)
def test_encodings_with_two_bytes_a_character_too(name, text):
    """In some the second byte may be that of a backslash."""
    raw = body(name, text).encode(name)
    assert encoding_named(raw) == name
    assert json.loads(to_utf8(raw, canonical(name)))["text"] == text


@pytest.mark.parametrize("order", ["be", "le"])
def test_utf_16_without_a_mark_takes_the_order_that_the_bytes_have(order):
    raw = body("UTF-16").encode(f"utf-16-{order}")
    assert json.loads(to_utf8(raw, canonical(encoding_named(raw))))["text"] == TEXT


def test_a_text_that_speaks_of_the_field_is_not_taken_for_it():
    raw = json.dumps({"text": '"encoding_type": "UTF-16"', "encoding_type": "cp1252"}).encode()
    assert encoding_named(raw) == "cp1252"


@pytest.mark.parametrize("raw", [b"", b"{}", b'{"encoding_type": 7}', b"\xff\xfe\x00", b"\x00", b'{"encoding_type":"'])
def test_where_nothing_is_named_nothing_is_found(raw):
    assert encoding_named(raw) is None


@pytest.mark.parametrize(
    ("raw", "codec"),
    [(b"\xff", "utf_8"), (b"\x81", "cp1252"), (b"{\x00}", "utf_16"), (b"\xe9", "ascii"), (b"+2AA-", "utf_7")],
)
def test_bytes_that_the_encoding_does_not_have_are_refused(raw, codec):
    with pytest.raises(NotInThatEncoding):
        to_utf8(raw, codec)


@pytest.mark.parametrize(
    "raw", [b'"encoding_type"' * 70_000, b'"encoding_type"' + b" " * 1_000_000, b"\x00a" * 500_000]
)
def test_the_first_look_takes_no_time(raw):
    started = time.perf_counter()
    encoding_named(raw)
    assert time.perf_counter() - started < 0.5


def test_every_encoding_decodes_a_megabyte_in_no_time():
    raw = b"-a0" * 333_000
    for codec in ("utf_7", "hz", "iso2022_jp", "iso2022_kr", "gb18030", "big5hkscs", "cp037", "cp1252", "utf_8"):
        started = time.perf_counter()
        to_utf8(raw, codec)
        assert time.perf_counter() - started < 1, codec
