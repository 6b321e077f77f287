"""Who calls: by what name, from which address."""

from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Protocol

__all__ = ["Caller", "FirstToKnow", "Network", "Tokens", "client_address"]

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

# Proxies that stand behind each other; a header with more of them is somebody's game.
_MAX_HOPS = 20


@dataclass(frozen=True, slots=True)
class Caller:
    """`name`: that of the token, None without one; a JWT's is "jwt:" and its subject. `address`: the client's."""

    name: str | None
    address: str


class Tokens(Protocol):
    """Knows the tokens that are valid now."""

    def name_of(self, token: str) -> str | None:
        """Whose it is, None when nobody's. Takes as long for a wrong token as for a right one of its kind."""


class FirstToKnow:
    """Several kinds of tokens as one: the first that knows a token says whose it is."""

    def __init__(self, *kinds: Tokens) -> None:
        self._kinds = kinds

    def name_of(self, token: str) -> str | None:
        """See Tokens."""
        names = (kind.name_of(token) for kind in self._kinds)
        return next((name for name in names if name is not None), None)


def client_address(peer: str, forwarded_for: str | None, trusted: Collection[Network]) -> str:
    """Where a request comes from: the last address on its way that is not one of our own proxies.

    `peer`: the other end of the connection; `forwarded_for`: X-Forwarded-For, of which each proxy wrote the right end.
    What stands left of the first address that we do not trust is the client's own invention and is never read.
    """
    if not trusted or not forwarded_for:
        return peer
    address = _parsed(peer)
    hops = forwarded_for.rsplit(",", _MAX_HOPS)
    while address is not None and _is_trusted(address, trusted) and hops:
        before = _parsed(hops.pop())
        if before is None:
            break
        address = before
    return str(address) if address is not None else peer


def _is_trusted(address: Address, trusted: Collection[Network]) -> bool:
    return any(address in network for network in trusted)


def _parsed(text: str) -> Address | None:
    """The address in `text`, with or without a port; an IPv4 address in IPv6's clothes is IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
