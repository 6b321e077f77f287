"""Where a request comes from, whatever its headers say."""

from ipaddress import ip_network

import pytest
from model_service.domain import FirstToKnow, client_address

PROXIES = tuple(ip_network(each) for each in ("10.0.0.0/8", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "client"),
    [
        # Nobody in front: the header is the client's own word.
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),
        ("203.0.113.7", "10.0.0.1", "203.0.113.7"),
        # One proxy of ours: what it wrote is the right end.
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "10.9.9.9, 203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        # Two proxies of ours.
        ("10.0.0.1", "203.0.113.7, 10.0.0.2", "203.0.113.7"),
        ("10.0.0.1", "198.51.100.1, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
        # Garbage ends the walk at the last hop that is known.
        ("10.0.0.1", "203.0.113.7, unknown", "10.0.0.1"),
        ("10.0.0.1", "203.0.113.7, , 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", "203.0.113.7, 10.0.0.2\x00", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        # Ports, brackets, IPv6, IPv4 in IPv6's clothes, zones.
        ("10.0.0.1", "203.0.113.7:4711", "203.0.113.7"),
        ("fd00::1", "[2001:db8::7]:4711", "2001:db8::7"),
        ("fd00::1", "2001:DB8:0::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "::ffff:203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "fe80::7%eth0", "fe80::7"),
        # A Unix socket has no address.
        ("", "203.0.113.7", ""),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_one_of_our_proxies(peer, forwarded_for, client):
    assert client_address(peer, forwarded_for, PROXIES) == client


def test_without_trusted_proxies_the_header_is_never_read():
    assert client_address("10.0.0.1", "203.0.113.7", ()) == "10.0.0.1"


def test_forging_gains_nothing_however_long_the_header():
    forged = ", ".join(f"198.51.{i % 256}.{i % 251}" for i in range(10_000))
    assert client_address("10.0.0.1", f"{forged}, 203.0.113.7", PROXIES) == "203.0.113.7"
    assert client_address("10.0.0.1", ", ".join(["10.0.0.2"] * 10_000), PROXIES) == "10.0.0.2"


class Named:
    """One token and its name."""

    def __init__(self, token, name) -> None:
        self.known = {token: name}

    def name_of(self, token):
        return self.known.get(token)


def test_the_first_kind_that_knows_a_token_names_it():
    tokens = FirstToKnow(Named("a", "first"), Named("b", "second"))
    assert [tokens.name_of(token) for token in "abc"] == ["first", "second", None]
