"""JSON Web Tokens of a real issuer on a free port: what is believed, what is not, and what happens while it is away."""

import hashlib
import hmac
import json
import threading
import time
from base64 import urlsafe_b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc import jwt
from joserfc.jwk import ECKey, OKPKey, RSAKey
from model_service.adapters import jwt_keys
from model_service.adapters.jwt_keys import IssuerKeys
from model_service.adapters.jwt_tokens import JwtTokens

ISSUER, AUDIENCE = "https://issuer.test/", "palate"


class Issuer:
    """Serves the public halves of `keys`; `mood` is what it answers."""

    def __init__(self) -> None:
        self.keys = {
            "rsa": RSAKey.generate_key(2048, {"kid": "rsa"}),
            "ec": ECKey.generate_key("P-256", {"kid": "ec"}),
            "ed": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        }
        self.algorithms = {"rsa": "RS256", "ec": "ES256", "ed": "EdDSA"}
        self.more: list[object] = []
        self.mood = "well"
        self.asked = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/jwks"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self) -> tuple[int, bytes]:
        self.asked += 1
        if self.mood == "slow":
            time.sleep(1.5)
        keys = [*self.more, *(key.as_dict(private=False) for key in self.keys.values())]
        answers = {
            "ill": (500, b"{}"),
            "garbage": (200, b"<html>"),
            "other": (200, b'{"keys": 7}'),
            "empty": (200, b""),
        }
        return answers.get(self.mood, (200, json.dumps({"keys": keys}).encode()))

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, body = issuer.answer()
                self.send_response(302 if issuer.mood == "elsewhere" else status)
                self.send_header("Location", "http://127.0.0.1:1/")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None: ...

        return Handler

    def token(self, key: str = "rsa", *, header: dict | None = None, **changes: object) -> str:
        """A good one, but for the claims and the header that are changed; None leaves a claim out."""
        claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve", **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithms.get(key, "RS256"), "kid": key, **(header or {})}
        return jwt.encode(header, claims, self.keys[key], algorithms=[header["alg"]])


# joserfc's, about what this file does as an attacker or as an issuer.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated", "ignore:Key size should be")


@pytest.fixture(scope="module")
def running_issuer():
    issuer = Issuer()
    yield issuer
    issuer.stop()


@pytest.fixture
def issuer(running_issuer, monkeypatch):
    kept = dict(running_issuer.keys)
    monkeypatch.setattr(jwt_keys, "REST_S", 0.05)
    monkeypatch.setattr(jwt_keys, "READING_TIMEOUT_S", 0.5)
    yield running_issuer
    running_issuer.keys, running_issuer.more, running_issuer.mood = kept, [], "well"


@pytest.fixture
def tokens(issuer):
    return JwtTokens(ISSUER, AUDIENCE, IssuerKeys(issuer.url))


def b64(content: object) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header: dict, secret: bytes = b"") -> str:
    """Good claims under a header of one's own, signed with HMAC or not at all."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve"}
    signed = f"{b64(header)}.{b64(claims)}"
    tag = hmac.new(secret, signed.encode(), hashlib.sha256).digest() if secret else b""
    return f"{signed}.{b64(tag)}"


@pytest.mark.parametrize("key", ["rsa", "ec", "ed"])
def test_what_the_issuer_signed_for_us_is_believed(issuer, tokens, key):
    assert tokens.name_of(issuer.token(key)) == "jwt:eve"
    assert tokens.name_of(issuer.token(key, aud=["other", AUDIENCE])) == "jwt:eve"


def test_clocks_may_differ_by_half_a_minute_and_no_more(issuer, tokens):
    now = int(time.time())
    assert tokens.name_of(issuer.token(exp=now - 20)) == "jwt:eve"
    assert tokens.name_of(issuer.token(nbf=now + 20, iat=now + 20)) == "jwt:eve"
    assert tokens.name_of(issuer.token(exp=now - 61)) is None
    assert tokens.name_of(issuer.token(nbf=now + 61)) is None


ATTACKS = {
    "no audience": {"aud": None},
    "another audience": {"aud": "other"},
    "an audience that holds ours": {"aud": f"{AUDIENCE}-2"},
    "audiences without ours": {"aud": ["other"]},
    "expired": {"exp": 1},
    "no expiry": {"exp": None},
    "an expiry that is no time": {"exp": "2999-01-01"},
    "an expiry that is true": {"exp": True},
    "another issuer": {"iss": "https://issuer.test"},
    "no issuer": {"iss": None},
    "not yet valid": {"nbf": 32503680000},
    "issued in the future": {"iat": 32503680000},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is no text": {"sub": 7},
    "a subject that breaks a line": {"sub": "eve\n{}"},
    "a subject without end": {"sub": "e" * 129},
}


@pytest.mark.parametrize("changes", ATTACKS.values(), ids=ATTACKS)
def test_a_signed_token_with_wrong_claims_is_nobody_s(issuer, tokens, changes):
    assert tokens.name_of(issuer.token(**changes)) is None


@pytest.mark.parametrize("header", [{"alg": "none", "kid": "rsa"}, {"alg": "None", "kid": "rsa"}, {"kid": "rsa"}])
def test_a_token_that_nobody_signed_is_nobody_s(issuer, tokens, header):
    assert tokens.name_of(issuer.token()) == "jwt:eve"
    assert tokens.name_of(forged(header)) is None


def test_the_public_key_is_no_secret_to_sign_with(issuer, tokens):
    for key in ("rsa", "ec", "ed"):
        for secret in (
            issuer.keys[key].as_pem(private=False),
            json.dumps(issuer.keys[key].as_dict(private=False)).encode(),
        ):
            assert tokens.name_of(forged({"alg": "HS256", "kid": key}, secret)) is None


def test_a_tampered_token_is_nobody_s(issuer, tokens):
    head, claims, signature = issuer.token().split(".")
    other = b64({"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 600, "sub": "admin"})
    for token in (f"{head}.{other}.{signature}", f"{head}.{claims}.{signature[:-4]}AAAA", f"{head}.{claims}."):
        assert tokens.name_of(token) is None


def test_the_key_decides_the_algorithm_not_the_token(issuer, tokens):
    rsa, other = issuer.keys["rsa"], OKPKey.generate_key("Ed25519")
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve"}
    assert tokens.name_of(jwt.encode({"alg": "RS512", "kid": "rsa"}, claims, rsa, algorithms=["RS512"])) is None
    assert tokens.name_of(jwt.encode({"alg": "PS256", "kid": "rsa"}, claims, rsa, algorithms=["PS256"])) is None
    assert tokens.name_of(jwt.encode({"alg": "EdDSA", "kid": "ed"}, claims, other, algorithms=["EdDSA"])) is None
    assert tokens.name_of(jwt.encode({"alg": "EdDSA", "kid": "rsa"}, claims, other, algorithms=["EdDSA"])) is None


def test_a_key_that_the_token_brings_along_is_not_used(tokens):
    own = RSAKey.generate_key(2048)
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve"}
    for more in (
        {"jwk": OKPKey.generate_key("Ed25519").as_dict(private=False)},
        {"jku": "http://127.0.0.1:1/"},
        {"x5u": "http://127.0.0.1:1/"},
    ):
        token = jwt.encode({"alg": "RS256", "kid": "rsa", **more}, claims, own, algorithms=["RS256"])
        assert tokens.name_of(token) is None


def test_a_critical_header_that_we_do_not_know_is_refused(issuer, tokens):
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve"}
    header = {"alg": "ES256", "kid": "ec", "typ": "JWT", "crit": ["x"], "x": 1}
    signed = f"{b64(header)}.{b64(claims)}"
    r, s = decode_dss_signature(issuer.keys["ec"].private_key.sign(signed.encode(), ECDSA(hashes.SHA256())))
    token = f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    assert tokens.name_of(token) is None
    plain = {name: value for name, value in header.items() if name not in {"crit", "x"}}
    signed = f"{b64(plain)}.{b64(claims)}"
    r, s = decode_dss_signature(issuer.keys["ec"].private_key.sign(signed.encode(), ECDSA(hashes.SHA256())))
    assert tokens.name_of(f"{signed}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}") == "jwt:eve"


@pytest.mark.parametrize(
    "token",
    ["", ".", "..", "...", "a.b.c", "é.é.é", "x" * 1_000_000, "." * 1_000_000, f"{'A' * 1_000_000}.e30.AA",
     f"{b64({'alg': 'RS256', 'kid': 'rsa'})}.{'A' * 1_000_000}.AA", f"{b64(b'[' * 380)}.e30.AA", f"{b64([])}.e30.AA",
     f"{b64({'kid': ['rsa']})}.e30.AA", f"{b64({'alg': 7, 'kid': 'rsa'})}.e30.AA",
     f"{b64({'alg': ['RS256'], 'kid': 'rsa'})}.e30.AA",
     "\udcff.e30.AA", f"{b64({'alg': 'RS256', 'kid': 'rsa', 'crit': 7})}.e30.AA", f"{b64(b'null')}.e30.AA"],
)  # fmt: skip
def test_what_is_no_token_is_nobody_s_and_takes_no_time(tokens, token):
    started = time.perf_counter()
    assert tokens.name_of(token) is None
    assert time.perf_counter() - started < 0.5


def test_an_unknown_key_is_looked_for_once_in_a_while_not_at_every_token(issuer, tokens, monkeypatch):
    monkeypatch.setattr(jwt_keys, "REST_S", 60)
    assert tokens.name_of(issuer.token()) == "jwt:eve"
    before = issuer.asked
    stranger = RSAKey.generate_key(2048, {"kid": "stranger"})
    issuer.keys["stranger"] = stranger
    token = issuer.token("stranger")
    del issuer.keys["stranger"]
    assert {tokens.name_of(token) for _ in range(200)} == {None}
    assert issuer.asked == before


def test_keys_may_be_rotated_with_no_wrong_refusal(issuer, tokens):
    assert tokens.name_of(issuer.token()) == "jwt:eve"
    time.sleep(0.1)
    issuer.keys["next"] = RSAKey.generate_key(2048, {"kid": "next"})
    old, new, found = issuer.token(), issuer.token("next"), []

    def ask() -> None:
        for _ in range(20):
            found.extend((tokens.name_of(old), tokens.name_of(new)))

    clients = [threading.Thread(target=ask) for _ in range(8)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    assert set(found) == {"jwt:eve"}
    assert len(found) == 320


def test_a_key_that_the_issuer_withdrew_is_forgotten(issuer, tokens, monkeypatch):
    token = issuer.token("ec")
    assert tokens.name_of(token) == "jwt:eve"
    kept = issuer.keys.pop("ec")
    monkeypatch.setattr(jwt_keys, "FRESH_S", 0.05)
    time.sleep(0.1)
    for _ in range(100):
        if tokens.name_of(token) is None:
            break
        time.sleep(0.02)
    assert tokens.name_of(token) is None
    assert kept is not None


@pytest.mark.parametrize("mood", ["ill", "garbage", "other", "empty", "slow", "elsewhere"])
def test_the_old_keys_are_kept_while_the_issuer_is_away_or_mad(issuer, tokens, mood):
    token = issuer.token()
    assert tokens.name_of(token) == "jwt:eve"
    issuer.mood = mood
    time.sleep(0.1)
    issuer.keys["next"] = RSAKey.generate_key(2048, {"kid": "next"})
    assert tokens.name_of(issuer.token("next")) is None
    assert tokens.name_of(token) == "jwt:eve"
    issuer.mood = "well"
    time.sleep(0.1)
    assert tokens.name_of(issuer.token("next")) == "jwt:eve"


def test_while_the_issuer_never_answered_nobody_is_believed_and_all_are_once_it_does(issuer):
    issuer.mood = "ill"
    tokens = JwtTokens(ISSUER, AUDIENCE, IssuerKeys(issuer.url))
    assert tokens.name_of(issuer.token()) is None
    issuer.mood = "well"
    time.sleep(0.1)
    assert tokens.name_of(issuer.token()) == "jwt:eve"


def test_an_issuer_that_is_not_there_costs_nobody_more_than_one_wait(issuer):
    tokens = JwtTokens(ISSUER, AUDIENCE, IssuerKeys("http://127.0.0.1:1/jwks"))
    assert tokens.name_of(issuer.token()) is None


def test_keys_that_can_not_be_used_are_passed_over(issuer, tokens):
    small = RSAKey.generate_key(1024, {"kid": "small"})
    secret = {"kty": "oct", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0", "kid": "secret"}
    encrypting = {**issuer.keys["rsa"].as_dict(private=False), "kid": "enc", "use": "enc"}
    issuer.more = [
        small.as_dict(private=False),
        secret,
        encrypting,
        {},
        7,
        None,
        {"kid": 7},
        {"kty": "RSA", "kid": "x"},
    ]
    assert tokens.name_of(forged({"alg": "HS256", "kid": "secret"}, b"secretsecretsecretsecret")) is None
    assert tokens.name_of(issuer.token()) == "jwt:eve"
    claims = {"iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "sub": "eve"}
    token = jwt.encode({"alg": "RS256", "kid": "small"}, claims, small, algorithms=["RS256"])
    assert tokens.name_of(token) is None


def test_keys_in_a_file_do_as_well(issuer, tmp_path):
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [issuer.keys["ec"].as_dict(private=False)]}))
    keys = IssuerKeys(str(file))
    keys.refresh()
    tokens = JwtTokens(ISSUER, AUDIENCE, keys)
    assert tokens.name_of(issuer.token("ec")) == "jwt:eve"
    assert tokens.name_of(issuer.token("rsa")) is None
    assert not keys.remote


@pytest.mark.parametrize(
    "source", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/", "http://", "nowhere.json"]
)
def test_other_places_are_not_read(source):
    with pytest.raises(jwt_keys.KeysNotReadable):
        IssuerKeys(source).refresh()
