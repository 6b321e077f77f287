"""JSON Web Tokens of one issuer, as names."""

import json
import re
from base64 import urlsafe_b64decode
from time import time
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError, UnsupportedAlgorithmError
from joserfc.jws import JWSRegistry
from joserfc.jwt import JWTClaimsRegistry

from model_service.adapters.jwt_keys import IssuerKeys, PublicKey

__all__ = ["JwtTokens"]

LEEWAY_S = 30
# Which algorithm each kind of key signs with: the token only says which key, never how it is checked.
_ALGORITHMS = {"RSA": ("RS256",), "EC": ("ES256",), "OKP": ("EdDSA", "Ed25519")}
_SUBJECT = re.compile(r"[\x21-\x7e]{1,128}")


class _FixedAlgorithms(JWSRegistry):
    """joserfc's, with the algorithms of one kind of key and nothing else."""

    def get_alg(self, name: str) -> Any:  # noqa: ANN401 - joserfc's own model of an algorithm
        if not isinstance(name, str) or name not in (self.allowed or ()):
            raise UnsupportedAlgorithmError("not one of this key's algorithms")
        return self.algorithms[name]


_REGISTRIES = {kind: _FixedAlgorithms(algorithms=names) for kind, names in _ALGORITHMS.items()}


class JwtTokens:
    """Believes what the issuer signed for this audience; anything else is nobody's token."""

    def __init__(self, issuer: str, audience: str, keys: IssuerKeys) -> None:
        self._keys = keys
        self._claims = JWTClaimsRegistry(
            now=lambda: int(time()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": audience},
            exp={"essential": True},
            sub={"essential": True},
        )

    def name_of(self, token: str) -> str | None:
        """See Tokens. "jwt:" and the subject, which no static token's name can be."""
        try:
            return self._subject(token)
        except (JoseError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
            return None

    def _subject(self, token: str) -> str | None:
        key = self._key_of(token)
        if key is None:
            return None
        claims = jwt.decode(token, key, registry=_REGISTRIES[key.key_type]).claims
        self._claims.validate(claims)
        return f"jwt:{claims['sub']}" if _SUBJECT.fullmatch(claims["sub"]) else None

    def _key_of(self, token: str) -> PublicKey | None:
        """The key that the token names; what it says of itself is believed only once that key has checked it."""
        head, *rest = token.split(".")
        if len(rest) != 2 or len(head) > JWSRegistry.max_header_length:  # noqa: PLR2004 - head.claims.signature
            return None
        header = json.loads(urlsafe_b64decode(head + "=="))
        key_id = header.get("kid") if isinstance(header, dict) else None
        return self._keys.key(key_id) if isinstance(key_id, str) else None
