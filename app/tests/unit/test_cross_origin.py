"""Telling our own pages' requests from other pages'."""

import pytest
from review_app.domain.cross_origin import is_cross_origin


@pytest.mark.parametrize(
    ("method", "origin", "fetch_site", "foreign"),
    [
        ("POST", None, "same-origin", False),
        ("POST", None, "none", False),
        ("POST", None, "cross-site", True),
        ("POST", None, "same-site", True),
        ("POST", None, "nonsense", True),
        ("POST", "https://palate.example:8080", None, False),
        ("POST", "http://palate.example:8080", None, False),
        ("POST", "http://palate.example", None, True),
        ("POST", "http://evil.example", None, True),
        ("POST", "null", None, True),
        ("POST", "http://[", None, True),
        ("POST", "", None, True),
        ("POST", "http://palate.example:8080", "cross-site", True),
        ("POST", None, None, False),
        ("DELETE", "http://evil.example", None, True),
        ("GET", "http://evil.example", "cross-site", False),
        ("HEAD", None, "cross-site", False),
    ],
)
def test_unsafe_requests_of_other_pages_are_told_apart(method, origin, fetch_site, foreign):
    host = "palate.example:8080"
    assert is_cross_origin(method, host=host, origin=origin, fetch_site=fetch_site) is foreign
