"""The rendered routes in the real Envoy."""

import http.client
import json
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from itertools import groupby

import pytest
from release_manager.domain.routes import OWN_HEADERS
from request_table import DRAWN, TABLE

VISITORS = 2_000
FOLLOWED = 500  # visitors whose next 19 requests are looked at, too
REQUESTS = 20


def ask(gateway, method="GET", headers=(), connection=None):
    """The reply's version, JSON and Set-Cookie value."""
    own = connection or http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    own.putrequest(method, "/")
    for name, value in headers:
        own.putheader(name, value)
    if method == "POST":
        own.putheader("content-length", "0")
    own.endheaders()
    with own.getresponse() as reply:
        body = reply.read()
    if connection is None:
        own.close()
    assert reply.status == 200, body
    return reply.headers["x-version"], json.loads(body or b"{}"), reply.headers.get("set-cookie")


class Visitor:
    """A browser with one cookie jar."""

    def __init__(self) -> None:
        self.cookie = None

    def visit(self, gateway, connection):
        headers = [("cookie", self.cookie)] if self.cookie else []
        version, _, given = ask(gateway, headers=headers, connection=connection)
        if given:
            morsel = SimpleCookie(given)["palate_r1"]
            self.cookie = f"palate_r1={morsel.value}"
        return version


def visit_all(gateway, visitors):
    """Each visitor once, over four connections."""

    def some(part) -> list[str]:
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
        versions = [visitor.visit(gateway, connection) for visitor in part]
        connection.close()
        return versions

    size = -(-len(visitors) // 4)
    with ThreadPoolExecutor(4) as pool:
        parts = pool.map(some, [visitors[start : start + size] for start in range(0, len(visitors), size)])
        return [version for part in parts for version in part]


def test_envoy_sends_each_request_where_the_table_says(gateway):
    for weight_percent, requests in groupby(
        sorted(TABLE, key=lambda each: each.weight_percent), lambda each: each.weight_percent
    ):
        gateway.apply(weight_percent)
        for request in requests:
            if request.version == DRAWN:
                _, seen, _ = ask(gateway, request.method, request.headers)
                assert "x-served-version" in dict(seen["headers"]), request.says
                continue
            met = {ask(gateway, request.method, request.headers)[0] for _ in range(3)}
            assert met == {request.version}, request.says


@pytest.mark.parametrize("weight_percent", [0, 10, 100])
def test_our_headers_from_outside_never_reach_an_app(gateway, weight_percent):
    gateway.apply(weight_percent)
    forged = [(name, "forged") for name in OWN_HEADERS] + [(name.title(), "forged") for name in OWN_HEADERS]
    for told in ([("x-newvers", "true")], [("cookie", "palate_r1=00")], [("cookie", "palate_r1=99")], []):
        for method in ("GET", "POST"):
            version, seen, _ = ask(gateway, method, [*forged, *told])
            arrived = [(name, value) for name, value in seen["headers"] if name in OWN_HEADERS]
            expected = {
                "x-palate-release": "r1",
                "x-served-version": version,
                "x-canary-weight": str(weight_percent),
            }
            assert sorted(arrived) == (sorted(expected.items()) if told == [] else [])


def test_several_cookie_headers_are_read_as_one(gateway):
    gateway.apply(10)
    for value, version in (("07", "v2"), ("70", "v1")):
        headers = [("cookie", "a=b"), ("cookie", f"palate_r1={value}"), ("cookie", "c=d")]
        assert {ask(gateway, headers=headers)[0] for _ in range(10)} == {version}


def test_visitors_share_by_weight_and_nobody_flips(gateway):
    """Within 3 points of the weight, for enough newcomers that chance alone hardly ever breaks it.

    The draws of 2,000 newcomers at 10 % have a standard deviation of sqrt(.1 * .9 / 2000) = .67 points: a share
    outside 10 +- 3 comes by chance about once in 100,000 runs; that of 500 would, once in 40. At 50 % the standard
    deviation is 1.1 points, and 50 +- 5 is as seldom missed.
    """
    gateway.apply(10)
    visitors = [Visitor() for _ in range(VISITORS)]
    first = visit_all(gateway, visitors)
    assert abs(first.count("v2") / VISITORS - 0.10) <= 0.03
    assert all(visitor.cookie for visitor in visitors)

    followed, expected = visitors[:FOLLOWED], first[:FOLLOWED]
    for _ in range(REQUESTS - 1):
        assert visit_all(gateway, followed) == expected

    gateway.apply(50)
    after = visit_all(gateway, visitors)
    assert not any(before == "v2" and now == "v1" for before, now in zip(first, after, strict=True))
    assert abs(after.count("v2") / VISITORS - 0.50) <= 0.05
    gateway.apply(0)
    assert set(visit_all(gateway, visitors)) == {"v1"}
