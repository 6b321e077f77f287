"""Prediction ids: signed, so that feedback on one can be believed without a table of all predictions.

An id is base64url, without padding, of 42 bytes:

    offset  bytes  what
    0       1      what was given out: 1 a verdict of /predict, 2 a break-down by moderation
    1       6      milliseconds since 1970 (UTC), big-endian
    7       1      index of the predicted label in the model's labels
    8       8      first bytes of the model's sha256
    16      10     random: two predictions never share an id
    26      16     keyed BLAKE2b over the 26 bytes before

It holds nothing of the text, and is not secret: who has it may correct that one prediction.
"""

import re
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from hmac import compare_digest
from struct import Struct

__all__ = ["Prediction", "PredictionIds"]

MIN_KEY_BYTES = 32
MODEL_BYTES = 8
VERDICT, MODERATION = 1, 2
_TAG_BYTES = 16
_RANDOM_BYTES = 10
_RANDOM = Struct(f"{_RANDOM_BYTES}s")
_ID = re.compile(r"[A-Za-z0-9_-]{56}")


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an id says. `predicted_at_s`: seconds since 1970; `model`: first bytes of the model's sha256, as hex."""

    predicted_at_s: float
    label_index: int
    model: str
    kind: int = VERDICT


class PredictionIds:
    """Makes and reads the ids signed by one key."""

    def __init__(self, key: bytes) -> None:
        """`key`: at least 32 bytes, any number; replicas that share it believe each other's ids."""
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the key has {len(key)} bytes, fewer than {MIN_KEY_BYTES}")
        self._hash = blake2b(key=blake2b(key).digest(), digest_size=_TAG_BYTES, person=b"palate-verdict")

    def issue(self, model: bytes, label_index: int, now_s: float, kind: int = VERDICT) -> str:
        """An id for a prediction made now; `model`: the first 8 bytes of the model's sha256."""
        return self._signed(_opening(kind, model, label_index, now_s) + secrets.token_bytes(_RANDOM_BYTES))

    def issuer(self, model: bytes, labels: int, now_s: float, most: int) -> Callable[[int], str]:
        """What issues at most `most` ids for verdicts of one model, all made now, each by the index of its label.

        Half the time of `issue`: the random bytes of all are drawn at once. `labels`: how many the model has.
        """
        openings = [_opening(VERDICT, model, label_index, now_s) for label_index in range(labels)]
        random = _RANDOM.iter_unpack(secrets.token_bytes(_RANDOM_BYTES * most))

        def issue(label_index: int) -> str:
            return self._signed(openings[label_index] + next(random)[0])

        return issue

    def read(self, prediction_id: str) -> Prediction | None:
        """What the id says, None when it was not signed by our key."""
        if not _ID.fullmatch(prediction_id):
            return None
        signed = urlsafe_b64decode(prediction_id)
        said, tag = signed[:-_TAG_BYTES], signed[-_TAG_BYTES:]
        if not compare_digest(tag, self._tag(said)) or said[0] not in {VERDICT, MODERATION}:
            return None
        return Prediction(int.from_bytes(said[1:7], "big") / 1000, said[7], said[8 : 8 + MODEL_BYTES].hex(), said[0])

    def _signed(self, said: bytes) -> str:
        return urlsafe_b64encode(said + self._tag(said)).decode()

    def _tag(self, said: bytes) -> bytes:
        keyed = self._hash.copy()
        keyed.update(said)
        return keyed.digest()


def _opening(kind: int, model: bytes, label_index: int, now_s: float) -> bytes:
    return bytes((kind, *int(now_s * 1000).to_bytes(6, "big"), label_index)) + model
