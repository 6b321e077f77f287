"""The reviewer's pages, with a real store and a real model-service."""

import re
import time
from html import unescape

import httpx
import pytest
from lib_ml.registry import FolderRegistry

GOOD = "Delicious food, but the Wine was sour."
HTML = {"Accept": "text/html"}
HTMX = {**HTML, "HX-Request": "true"}
ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg/onload=alert(1)>',
    "</textarea><script>alert(1)</script>",
    "{{ 7*7 }} {% raw %}",
    "javascript:alert(1)",
    "</mark><iframe src=//evil.example>",
    "&lt;b&gt; &amp;",
)


def write(client, text=GOOD, headers=None):
    return client.post("/reviews", data={"text": text}, headers=headers or HTML)


def body(reply):
    return reply.get_data(as_text=True)


def test_a_written_review_leads_to_its_verdict(client):
    reply = write(client)
    assert reply.status_code == 303
    page = body(client.get(reply.location, headers=HTML))
    assert re.search(r"sounds <strong[^>]*>positive", page)
    assert re.search(r'<meter [^>]*value="\d+"', page)
    assert '<mark class="word word-positive strength-3">Delicious</mark>' in page
    assert '<mark class="word word-negative' in page
    assert "Speaks for negative" in page
    assert re.search(r"The model knows \d+ of your 7 words", page)
    assert "sentiment model v1" in page
    assert "This is wrong: it was negative" in page
    assert reply.location.startswith("/reviews/"), "relative: the proxy's address is not ours to know"


def test_htmx_gets_the_verdict_as_a_piece_with_the_recent_list(client):
    page = body(write(client, headers=HTMX))
    assert "<html" not in page
    assert 'hx-swap-oob="true"' in page
    assert "autofocus" in page


def test_a_correction_is_thanked_for_and_can_be_undone(client):
    path = write(client).location
    corrected = client.post(f"{path}/correction", data={"sentiment": "negative"}, headers=HTML)
    assert (corrected.status_code, corrected.location) == (303, path)
    page = body(client.get(path))
    assert "Thank you!" in page
    assert "Undo my correction" in page
    assert "corrected by you" in page
    assert client.post(f"{path}/correction/undo", headers=HTML).status_code == 303
    assert "Thank you!" not in body(client.get(path))


def test_corrections_work_as_pieces_for_htmx(client):
    path = write(client).location
    thanks = body(client.post(f"{path}/correction", data={"sentiment": "negative"}, headers=HTMX))
    assert "Thank you!" in thanks
    assert "<html" not in thanks
    undone = body(client.post(f"{path}/correction/undo", data={}, headers=HTMX))
    assert "This is wrong" in undone


def test_recent_reviews_are_this_browsers_own(client):
    write(client)
    assert "Delicious food" in body(client.get("/"))
    assert "Delicious food" not in body(client.application.test_client().get("/"))


def test_the_visitor_cookie_is_random_long_lived_and_closed_to_scripts(client):
    cookie = client.get("/").headers["Set-Cookie"]
    assert re.match(r"palate_visitor=[0-9a-f]{32};", cookie)
    assert all(part in cookie for part in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"))
    assert "Set-Cookie" not in client.get("/").headers, "a known visitor keeps the cookie"


def test_a_forged_visitor_cookie_is_replaced(client):
    client.set_cookie("palate_visitor", "x' OR 1=1")
    assert "palate_visitor=" in client.get("/").headers["Set-Cookie"]


@pytest.mark.parametrize("text", ATTACKS)
def test_hostile_text_is_shown_literally(client, text):
    page = body(client.get(write(client, text).location))
    assert not re.search(r"<(script(?! defer)|iframe|img src=x|svg/)", page)
    shown = re.search(r"<blockquote[^>]*>(.*?)</blockquote>", page, re.DOTALL)[1]
    assert unescape(re.sub(r"</?mark[^>]*>", "", shown)) == text


def test_hostile_text_stays_text_in_the_form_of_a_problem_page(client):
    page = body(write(client, "</textarea><script>alert(1)</script>" + "x" * 2000))
    assert "&lt;/textarea&gt;&lt;script&gt;" in page
    assert "<script>alert" not in page


def test_a_refused_review_keeps_the_text_in_the_form_and_names_the_limit(client):
    reply = write(client, "x" * 2001)
    assert reply.status_code == 422
    assert "at most 2000 characters" in body(reply)
    assert "x" * 2001 in body(reply)


@pytest.mark.parametrize("path", ["/reviews/nonsense", "/reviews/" + "0" * 32, "/nowhere"])
def test_an_unknown_page_is_a_page_too(client, path):
    reply = client.get(path, headers=HTML)
    assert reply.status_code == 404
    assert "<h2>Not Found</h2>" in body(reply)
    assert client.get(path).mimetype == "application/problem+json"


def test_a_correction_must_be_a_sentiment(client):
    path = write(client).location
    reply = client.post(f"{path}/correction", data={"sentiment": "lukewarm"})
    assert reply.status_code == 422
    assert reply.json["errors"][0]["field"] == "sentiment"


def test_the_page_of_a_correction_is_about_an_existing_review(client):
    assert client.post(f"/reviews/{'0' * 32}/correction", data={"sentiment": "positive"}).status_code == 404


@pytest.mark.parametrize(("release", "icon"), [("v1", False), ("v2", True)])
def test_only_v2_shows_the_contact_icon(make_app, model_services, release, icon):
    page = body(make_app(model_services[release].url, release=release).test_client().get("/people"))
    assert ("contact-icon" in page) is icon
    assert page.count('class="card"') >= 3


def test_views_and_clicks_are_counted_in_the_store_and_in_metrics(client):
    client.get("/people")
    client.get("/people")
    reply = client.post("/people/mei-okafor/clicks")
    assert (reply.status_code, reply.location) == (303, "/people?contact=mei-okafor#mei-okafor")
    assert "mei@palate.example" in body(client.get(reply.location))
    assert "mei@palate.example" in body(client.post("/people/mei-okafor/clicks", data={}, headers=HTMX))
    client.head("/people")
    client.get("/people", headers={"Sec-Purpose": "prefetch"})
    figures = body(client.get("/metrics"))
    for line in (
        'palate_people_views_total{assigned="cohort",release="v1"} 2.0',
        'palate_people_viewers_total{assigned="cohort",release="v1"} 1.0',
        'palate_people_clicks_total{assigned="cohort",member="mei-okafor",release="v1"} 2.0',
        'palate_people_clickers_total{assigned="cohort",release="v1"} 1.0',
    ):
        assert line in figures
    row = re.search(r'<th scope="row">v1</th>(.*?)</tr>', body(client.get("/about")), re.DOTALL)[1]
    assert re.findall(r"<td>(.*?)</td>", row) == ["2", "1", "2", "1 (100 %)"]


def test_clicking_nobody_is_not_found(client):
    assert client.post("/people/nobody/clicks").status_code == 404


def test_who_asks_for_v2_by_header_is_counted_apart(client):
    client.get("/people", headers={"x-newvers": "true"})
    assert 'palate_people_views_total{assigned="header",release="v1"} 1.0' in body(client.get("/metrics"))


def test_about_names_every_version_and_the_data(client):
    page = body(client.get("/about"))
    for fact in ("small-reviews.tsv", "path", ">40<", "ab" * 32, "accuracy", "0.900", "0.800 to 0.950", "Commit"):
        assert fact in page


def test_about_without_a_model_service_says_so(make_app):
    page = body(make_app().test_client().get("/about"))
    assert "does not answer now" in page


def test_static_files_may_be_kept_and_carry_the_versions(client):
    page = body(client.get("/"))
    for path in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        reply = client.get(path)
        assert reply.status_code == 200
        assert "max-age" in reply.headers["Cache-Control"]
        assert reply.headers["X-Palate-App-Version"] == "v1"
        assert client.get(path, headers={"If-None-Match": reply.headers["ETag"]}).status_code == 304
    assert client.get("/static/../settings.py").status_code == 404


def test_pages_are_personal_and_never_kept(client):
    for path in ("/", "/people", "/about"):
        assert client.get(path).headers["Cache-Control"] == "no-store"


def test_pages_fetch_nothing_from_elsewhere_and_hold_no_inline_code(client):
    path = write(client).location
    for page in map(body, (client.get("/"), client.get(path), client.get("/people"), client.get("/about"))):
        assert not re.search(r"""(src|href|action)=["'](https?:)?//""", page)
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son\w+=", page)


def test_a_new_model_shows_on_about_without_a_restart(releases, platform_folder, train_model):
    # Another row count makes another manifest, so another model.
    other = train_model(platform_folder / "other", "v1", rows=4321)
    registry = FolderRegistry(platform_folder / "registry")
    for bundle, rows in ((other, "4,321"), (platform_folder / "v1", "40")):
        registry.publish(bundle, "sentiment/v1")
        until = time.monotonic() + 20
        while f"<dd>{rows}</dd>" not in (page := httpx.get(f"{releases['v1'].url}/about").text):
            assert time.monotonic() < until, page
            time.sleep(0.2)
