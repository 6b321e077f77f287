"""What holds for every reply: versions, cohort cookie, policy; and whose requests are taken."""

import re

import pytest

NEWCOMER = {"x-palate-release": "r1", "x-served-version": "v1", "x-canary-weight": "10"}


@pytest.fixture
def v2_client(make_app):
    return make_app(release="v2").test_client()


def cohort_cookies(reply):
    return [cookie for cookie in reply.headers.getlist("Set-Cookie") if not cookie.startswith("palate_visitor")]


@pytest.mark.parametrize("path", ["/", "/people", "/about", "/nowhere", "/livez", "/static/palate.css", "/docs"])
def test_every_reply_names_the_versions(v2_client, path):
    headers = v2_client.get(path).headers
    assert headers["X-Palate-App-Version"] == "v2"
    assert headers["X-Palate-Model-Version"] == "unknown"


def test_the_model_version_is_that_of_the_newest_answer(client):
    client.post("/api/reviews", json={"text": "delicious"})
    assert client.get("/livez").headers["X-Palate-Model-Version"] == "v1"


def test_a_newcomer_gets_a_number_of_the_side_that_served(client, v2_client):
    for caller, served, numbers in ((client, "v1", range(10, 100)), (v2_client, "v2", range(10))):
        for _ in range(30):
            (cookie,) = cohort_cookies(caller.get("/about", headers={**NEWCOMER, "x-served-version": served}))
            number = re.match(r"palate_r1=(\d\d);", cookie)[1]
            assert int(number) in numbers
            assert all(part in cookie for part in ("Max-Age=2592000", "HttpOnly", "Path=/", "SameSite=Lax"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**NEWCOMER, "x-newvers": "true"},
        {**NEWCOMER, "x-served-version": "v2"},
        {**NEWCOMER, "x-served-version": "v3"},
        {**NEWCOMER, "x-canary-weight": "ten"},
        {**NEWCOMER, "x-canary-weight": "100"},
        {**NEWCOMER, "x-canary-weight": "-1"},
        {**NEWCOMER, "x-palate-release": "r1; Path=/evil"},
        {**NEWCOMER, "x-palate-release": ""},
    ],
)
def test_who_is_no_newcomer_of_this_side_gets_no_number(client, headers):
    assert cohort_cookies(client.get("/about", headers=headers)) == []


UNSAFE = ["/reviews", "/api/reviews", f"/reviews/{'0' * 32}/correction", f"/reviews/{'0' * 32}/correction/undo",
          f"/api/reviews/{'0' * 32}/correction", "/people/mei-okafor/clicks",
          "/moderation/sign-in", "/moderation/sign-out", f"/moderation/reviews/{'0' * 32}"]  # fmt: skip


def test_the_list_of_unsafe_routes_is_complete(client):
    rules = {rule.rule for rule in client.application.url_map.iter_rules() if "POST" in rule.methods}
    concrete = {re.sub("0{32}", "<review_id>", path).replace("mei-okafor", "<slug>") for path in UNSAFE}
    assert rules == concrete


@pytest.mark.parametrize("path", UNSAFE)
@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}, {"Origin": "null"}]
)
def test_another_sites_page_is_refused(client, path, headers):
    reply = client.post(path, headers=headers, data={"text": "delicious"})
    assert (reply.status_code, reply.mimetype) == (403, "application/problem+json")
    assert client.post(path, headers={**headers, "Accept": "text/html"}).mimetype in {
        "text/html",
        "application/problem+json",
    }


def test_our_own_pages_are_taken_by_the_name_that_the_browser_used(client):
    reply = client.post(
        "/reviews", data={"text": "delicious"}, headers={"Host": "palate.example", "Origin": "https://palate.example"}
    )
    assert reply.status_code == 303
    assert reply.location.startswith("/reviews/")


def test_pages_may_run_and_show_only_what_is_ours(client):
    policy = client.get("/").headers["Content-Security-Policy"]
    for rule in ("default-src 'self'", "frame-ancestors 'none'", "form-action 'self'", "base-uri 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
