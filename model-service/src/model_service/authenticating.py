"""Whose tokens are accepted: the static ones of the settings and, where an issuer is named, its signed ones."""

from model_service.adapters import StaticTokens, TokenFileBroken
from model_service.domain import FirstToKnow, Tokens
from model_service.settings import JwtSettings, Settings, WrongSettings

__all__ = ["tokens_of"]


def tokens_of(settings: Settings) -> Tokens:
    """As the settings ask for. Raises WrongSettings."""
    auth = settings.auth
    tokens = {name: token.get_secret_value() for name, token in auth.tokens.items()}
    try:
        static = StaticTokens(tokens, auth.tokens_file, fault_of=settings.token_fault)
    except TokenFileBroken as broken:
        raise WrongSettings(f"MODEL_SERVICE_AUTH__TOKENS_FILE: {broken}") from None
    return static if auth.jwt is None else FirstToKnow(static, _jwt_tokens(auth.jwt))


def _jwt_tokens(jwt: JwtSettings) -> Tokens:
    # Only who asks for signed tokens loads what reads them.
    from model_service.adapters.jwt_keys import IssuerKeys, KeysNotReadable  # noqa: PLC0415
    from model_service.adapters.jwt_tokens import JwtTokens  # noqa: PLC0415

    keys = IssuerKeys(jwt.jwks)
    # An issuer may be away when we start; a file that is has to be mended.
    if not keys.remote:
        try:
            keys.refresh()
        except KeysNotReadable as error:
            raise WrongSettings(f"MODEL_SERVICE_AUTH__JWT__JWKS: {error}") from None
    return JwtTokens(jwt.issuer, jwt.audience, keys)
