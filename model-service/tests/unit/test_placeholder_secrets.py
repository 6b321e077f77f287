import secrets

import pytest
from model_service.domain.placeholder_secrets import placeholder_fault


@pytest.mark.parametrize(
    ("secret", "fault"),
    [
        (b"", "is empty"),
        (b" \n\t" * 20, "is empty"),
        (b"x7Kq2", "is shorter than 16 bytes"),
        (b"\0" * 32, "repeats the same bytes"),
        (b"01" * 16, "repeats the same bytes"),
        (b"changeme-changeme-changeme", "is a placeholder"),
        (b"CHANGE_ME_IN_PRODUCTION", "is a placeholder"),
        (b"your-secret-token-here", "is a placeholder"),
        (b"passwordpassword123456", "is a placeholder"),
        (b"this is only a test\n", "is a placeholder"),
    ],
)
def test_what_stands_in_a_secrets_place_is_recognised(secret, fault):
    assert placeholder_fault(secret, at_least=16) == fault


@pytest.mark.parametrize("make", [secrets.token_hex, secrets.token_urlsafe, secrets.token_bytes])
def test_real_secrets_pass(make):
    for _ in range(500):
        secret = make(32)
        assert placeholder_fault(secret if isinstance(secret, bytes) else secret.encode(), at_least=16) is None


def test_a_pass_phrase_of_other_words_passes():
    assert placeholder_fault(b"correct horse battery staple", at_least=16) is None
