"""The public keys of an issuer: read from a file or URL, kept while it is away, read again for a key not known yet."""

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock, Thread
from time import monotonic
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, HTTPHandler, HTTPSHandler, OpenerDirector, Request

import structlog
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

__all__ = ["IssuerKeys", "KeysNotReadable", "PublicKey"]

# Seconds for one reading of the URL, and between two readings however many unknown keys are asked for.
READING_TIMEOUT_S = 2.0
REST_S = 2.0
# Seconds after which the keys are read again beside the requests, so that one the issuer withdrew ends here too.
FRESH_S = 300.0
MAX_BYTES = 1_000_000
MIN_RSA_BITS = 2_048

PublicKey = RSAKey | ECKey | OKPKey

log = structlog.get_logger()


class KeysNotReadable(Exception):
    """The keys can not be had; the message says why."""


class IssuerKeys:
    """Keys by their id. Threads may share it."""

    def __init__(self, source: str) -> None:
        """`source`: the URL (http, https) or the file of a JWKS. Reads nothing yet."""
        self._source = source
        self.remote = "://" in source
        self._keys: Mapping[str, PublicKey] = {}
        self._read_at_s = self._tried_at_s = float("-inf")
        self._reading = Lock()

    def refresh(self) -> None:
        """Read the keys now; the old ones stay when that fails. Raises KeysNotReadable."""
        self._tried_at_s = monotonic()
        self._keys = _public_keys(_content(self._source, remote=self.remote))
        self._read_at_s = monotonic()

    def key(self, key_id: str) -> PublicKey | None:
        """The key of that id. One not known yet is looked for at the source, at most once in REST_S seconds."""
        known = self._keys.get(key_id)
        if known is None:
            self._look_again(key_id)
            return self._keys.get(key_id)
        if monotonic() - self._read_at_s > FRESH_S and self._rested():
            Thread(target=self._look_again, args=(None,), name="issuer-keys", daemon=True).start()
        return known

    def _rested(self) -> bool:
        return monotonic() - self._tried_at_s > REST_S

    def _look_again(self, key_id: str | None) -> None:
        # Whoever waited here for another's reading finds what that one brought.
        with self._reading:
            if key_id in self._keys or not self._rested():
                return
            try:
                self.refresh()
            except KeysNotReadable as error:
                log.warning("issuer_keys_not_readable", reason=str(error), kept=len(self._keys))
            else:
                log.info("issuer_keys_read", keys=len(self._keys))


def _content(source: str, *, remote: bool) -> bytes:
    try:
        content = _fetched(source) if remote else _first_bytes(Path(source))
    except (OSError, URLError, ValueError) as error:
        raise KeysNotReadable(f"{type(error).__name__}: {getattr(error, 'reason', None) or error}") from None
    if len(content) > MAX_BYTES:
        raise KeysNotReadable(f"longer than {MAX_BYTES} bytes")
    return content


def _first_bytes(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _fetched(url: str) -> bytes:
    """What the URL answers, within READING_TIMEOUT_S altogether; no redirects, no proxies, no other schemes."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise ValueError("the URL must begin with http:// or https://")
    opener = OpenerDirector()
    for handler in (HTTPHandler(), HTTPSHandler(), HTTPErrorProcessor()):
        opener.add_handler(handler)
    deadline = monotonic() + READING_TIMEOUT_S
    answer = opener.open(Request(url, headers={"Accept": "application/json"}), timeout=READING_TIMEOUT_S)  # noqa: S310 - the scheme is checked above
    if answer is None:
        raise OSError("the issuer answered with an error or a redirect")
    with answer:
        if answer.status != 200:  # noqa: PLR2004 - the code itself is the name
            raise OSError(f"the issuer answered {answer.status}")
        content = b""
        while piece := answer.read1(65_536):
            content += piece
            if len(content) > MAX_BYTES or monotonic() > deadline:
                raise OSError("the issuer's answer is too long or too slow")
    return content


def _public_keys(content: bytes) -> Mapping[str, PublicKey]:
    """The keys that can verify a signature of ours to accept; others in the set are passed over."""
    try:
        listed = json.loads(content)["keys"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise KeysNotReadable("not a JSON Web Key Set") from None
    if not isinstance(listed, list):
        raise KeysNotReadable("not a JSON Web Key Set")
    keys = {each["kid"]: key for each in listed if (key := _public_key(each)) is not None}
    if not keys:
        raise KeysNotReadable("no key with a kid for RS256, ES256 or EdDSA")
    return keys


def _public_key(listed: Any) -> PublicKey | None:  # noqa: ANN401 - whatever JSON holds
    if not isinstance(listed, dict) or not isinstance(listed.get("kid"), str) or listed.get("use", "sig") != "sig":
        return None
    try:
        if listed.get("kty") == "RSA":
            # Six bits a character; joserfc would take a short one with a warning.
            return RSAKey.import_key(listed) if len(listed["n"]) * 6 >= MIN_RSA_BITS else None
        if listed.get("kty") == "EC" and listed.get("crv") == "P-256":
            return ECKey.import_key(listed)
        if listed.get("kty") == "OKP" and listed.get("crv") == "Ed25519":
            return OKPKey.import_key(listed)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return None
