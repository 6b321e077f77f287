"""Whether a browser sends a request on behalf of somebody else's page."""

from urllib.parse import urlsplit

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def is_cross_origin(method: str, *, host: str, origin: str | None, fetch_site: str | None) -> bool:
    """True for an unsafe request of another site.

    Browsers say so in Sec-Fetch-Site, older ones by an Origin that is not the Host. Neither header: not a browser, so
    there are no cookies that a page could have borrowed. Only host and port are compared: a proxy may have ended TLS.
    Source: the rules of Go's net/http CrossOriginProtection (1.25).
    """
    if method in SAFE_METHODS:
        return False
    if fetch_site is not None:
        return fetch_site not in {"same-origin", "none"}
    if origin is not None:
        return _host_of(origin) != host
    return False


def _host_of(origin: str) -> str | None:
    """Host and port; None for `null` and for what is no origin."""
    try:
        return urlsplit(origin).netloc or None
    except ValueError:
        return None
