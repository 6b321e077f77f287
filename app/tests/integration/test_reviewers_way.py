"""A reviewer's way in a real Chromium: both releases, with JavaScript and without."""

import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from real_process import running

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
TEXT = "Delicious food and friendly staff, but the soup was cold."
WORDS = re.compile(r"\bword\b")
# What Chromium and htmx write of a reply that is an error, or of none; the tests look at what the page says of it.
OF_FAILED_REQUESTS = ("status of", "ERR_CONNECTION_REFUSED", "htmx:")
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    assert CHROMIUM, "there is no Chromium: install Debian's package chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens a page of a release as a new visitor; afterwards its console must be free of errors."""
    contexts, complaints = [], []

    def open_(url: str, path: str = "/", **options: object) -> Page:
        contexts.append(chromium.new_context(base_url=url, **options))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: (complaints.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.goto(path)
        return page

    yield open_
    for context in contexts:
        context.close()
    unexpected = [each for each in complaints if not any(known in each for known in OF_FAILED_REQUESTS)]
    assert unexpected == [], "errors or policy violations in the console"


@pytest.fixture(params=["v1", "v2"])
def release(request):
    return request.param


@pytest.fixture(params=[True, False], ids=["with JavaScript", "without JavaScript"])
def javascript(request):
    return request.param


def clicks(platform_folder: Path, release: str) -> int:
    query = "SELECT coalesce(sum(clicks), 0) FROM people_clicks WHERE release = ?"
    with closing(sqlite3.connect(platform_folder / "palate.db", timeout=5)) as connection:
        return connection.execute(query, (release,)).fetchone()[0]


def test_a_reviewers_way(open_page, releases, platform_folder, release, javascript):
    page = open_page(releases[release].url, java_script_enabled=javascript)
    page.get_by_label("Your review").fill(TEXT)
    page.get_by_role("button", name="Read my review").click()

    verdict = page.locator("article.verdict")
    expect(verdict.get_by_role("heading")).to_contain_text(re.compile("sounds (positive|negative)"))
    expect(verdict.locator("mark.word-positive", has_text="Delicious")).to_be_visible()
    expect(verdict.locator("mark.word-negative", has_text="cold")).to_be_visible()
    expect(verdict.locator(".review-text")).to_have_text(TEXT)
    expect(verdict.get_by_label(re.compile("Probability of"))).to_be_visible()
    expect(verdict.locator(".figure")).to_have_text(re.compile(r"^\d+ %$"))
    expect(verdict.locator(".coverage")).to_contain_text(
        re.compile(r"The model knows \d+ of your 10 words|all of your")
    )
    expect(verdict.locator("footer")).to_contain_text(f"model {release}")
    assert page.url.endswith("/") is javascript, "htmx stays, a form goes to the review's page"

    verdict.get_by_role("button", name=re.compile("This is wrong: it was")).click()
    expect(page.locator(".thanks")).to_contain_text("Thank you!")
    expect(page.locator("#recent")).to_contain_text("corrected by you")
    page.get_by_role("button", name="Undo my correction").click()
    expect(page.get_by_role("button", name=re.compile("This is wrong: it was"))).to_be_visible()
    expect(page.locator("#recent")).not_to_contain_text("corrected by you")

    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.locator("#recent li")).to_have_count(1)
    page.locator("#recent li a").click()
    expect(page.locator("article.verdict .review-text")).to_have_text(TEXT)

    page.get_by_role("link", name="People").click()
    expect(page.locator(".contact-icon")).to_have_count(page.locator(".card").count() if release == "v2" else 0)
    before = clicks(platform_folder, release)
    page.get_by_role("button", name="Contact Mei Okafor").click()
    expect(page.get_by_role("link", name="mei@palate.example")).to_be_visible()
    assert clicks(platform_folder, release) == before + 1

    page.get_by_role("link", name="About").click()
    for fact in ("small-reviews.tsv", "Training data", "95 % interval", "Visitors who clicked", "ab" * 32):
        expect(page.locator("main")).to_contain_text(fact)


def test_the_keyboard_is_enough(open_page, releases, release):
    page = open_page(releases[release].url)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Your review")).to_be_focused()
    page.keyboard.type(TEXT)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Read my review")).to_be_focused()
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid", "the focus can be seen"
    page.keyboard.press("Enter")
    expect(page.locator("article.verdict")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".thanks")).to_be_visible()
    expect(page.locator("article.verdict")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Undo my correction")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("This is wrong"))).to_be_visible()


def test_a_moderators_way(open_page, releases, release, javascript):
    rude = f"Bad bacon, bad bar, bad barman, bad band {release} {javascript}!!!"
    page = open_page(releases[release].url, java_script_enabled=javascript)
    page.get_by_label("Your review").fill(rude)
    page.get_by_role("button", name="Read my review").click()
    expect(page.locator(".moderation")).to_contain_text("Flagged as")
    expect(page.locator(".standing")).to_contain_text("Only you can see this review")
    page.get_by_role("link", name="Others").click()
    expect(page.locator("main")).not_to_contain_text(rude)

    page.goto("/moderation")
    page.get_by_label("Token").fill("the-moderators-token")
    page.get_by_role("button", name="Sign in").click()
    waiting = page.locator("article.held", has_text=rude)
    waiting.get_by_text("Label by label").click()
    expect(waiting.get_by_role("row", name=re.compile("severe toxic"))).to_be_visible()
    waiting.get_by_role("button", name="Publish").click()
    expect(page.locator("article.held", has_text=rude)).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Token")).to_be_visible()
    page.get_by_role("link", name="Others").click()
    expect(page.locator(".public li", has_text=rude)).to_be_visible()


@pytest.mark.parametrize("path", ["/", "/reviews", "/moderation", "/people", "/about", "/nowhere"])
def test_a_phone_needs_no_sideways_scrolling(open_page, releases, release, path):
    page = open_page(releases[release].url, path, viewport={"width": 360, "height": 740})
    if path == "/":
        page.get_by_label("Your review").fill("delicious " + "x" * 500)
        page.get_by_role("button", name="Read my review").click()
        expect(page.locator("article.verdict")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</textarea><b>x</b>",
)


@pytest.mark.parametrize("attack", ATTACKS)
def test_hostile_text_is_text(open_page, releases, javascript, attack):
    page = open_page(releases["v2"].url, java_script_enabled=javascript)
    page.get_by_label("Your review").fill(attack)
    page.get_by_role("button", name="Read my review").click()
    expect(page.locator(".review-text")).to_have_text(attack)
    expect(page.locator("#recent li a")).to_contain_text(attack)


def test_a_failure_keeps_the_text_in_the_form(open_page, platform_folder, environments, javascript):
    environment = environments["app"](f"sqlite:///{platform_folder}/palate.db", "v1", "http://127.0.0.1:9")
    with running("review-app", environment, platform_folder / "lonely-app.log") as app:
        page = open_page(app.url, java_script_enabled=javascript)
        page.get_by_label("Your review").fill(TEXT)
        page.get_by_role("button", name="Read my review").click()
        expect(page.get_by_role("alert")).to_contain_text("was not stored")
        expect(page.get_by_role("alert")).to_contain_text("request")
        expect(page.get_by_label("Your review")).to_have_value(TEXT)
        if javascript:
            app.kill()
            page.get_by_role("button", name="Read my review").click()
            expect(page.locator("#verdict")).to_contain_text("could not be reached")
            expect(page.get_by_label("Your review")).to_have_value(TEXT)


def test_a_foreign_page_can_not_post_for_the_visitor(open_page, releases, tmp_path):
    foreign = tmp_path / "foreign.html"
    foreign.write_text(
        f'<form action="{releases["v1"].url}/reviews" method="post"><input name="text" value="delicious">'
        "<button>Win a dinner</button></form>"
    )
    page = open_page(releases["v1"].url)
    page.goto(foreign.as_uri())
    with page.expect_response("**/reviews") as answered:
        page.get_by_role("button").click()
    assert answered.value.status == 403


def test_a_screen_reader_is_told(open_page, releases, javascript):
    page = open_page(releases["v1"].url, java_script_enabled=javascript)
    assert page.locator("#verdict").get_attribute("aria-live") == "polite"
    page.get_by_label("Your review").fill(TEXT)
    page.get_by_role("button", name="Read my review").click()
    expect(page.locator(".drivers")).to_contain_text(re.compile("Speaks for positive.*delicious", re.DOTALL))
    expect(page.locator(".drivers")).to_contain_text(re.compile("Speaks for negative.*cold", re.DOTALL))
    assert page.locator("h1").count() == 1
    assert page.locator("html").get_attribute("lang") == "en"
    unnamed = page.locator("button:not([aria-label])").filter(has_not_text=re.compile(r"\w"))
    assert unnamed.count() == 0
