"""Who may moderate: whoever knew the token, for a working day, in one browser."""

from hashlib import sha256
from hmac import compare_digest

from flask import Response, request
from itsdangerous import BadSignature, TimestampSigner

MODERATOR_COOKIE = "palate_moderator"
SHIFT_S = 28_800  # 8 hours
PATH = "/moderation"
_SIGNED = "moderator"


class Moderators:
    """Signs the cookie with a key made of the token: another token ends every shift."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._signer = TimestampSigner(sha256(b"palate moderator cookie " + self._token).digest())

    def know(self, token: str) -> bool:
        """Whether it is the moderators' token; takes as long for a near one as for any other."""
        return compare_digest(token.encode(), self._token)

    def signed_in(self) -> bool:
        """Whether the current request comes from a browser that signed in within the last eight hours."""
        try:
            return self._signer.unsign(request.cookies.get(MODERATOR_COOKIE, ""), max_age=SHIFT_S) == _SIGNED.encode()
        except BadSignature:
            return False

    def sign_in(self, response: Response) -> Response:
        """Strict: no other page's link or form brings the cookie along."""
        signed = self._signer.sign(_SIGNED).decode()
        response.set_cookie(
            MODERATOR_COOKIE,
            signed,
            max_age=SHIFT_S,
            path=PATH,
            httponly=True,
            samesite="Strict",
            secure=request.is_secure,
        )
        return response

    def sign_out(self, response: Response) -> Response:
        response.delete_cookie(MODERATOR_COOKIE, path=PATH, httponly=True, samesite="Strict")
        return response
