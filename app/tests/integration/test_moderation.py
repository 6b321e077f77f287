"""Reviews that are held back, and the moderator who decides; a real model moderates."""

import re

import pytest
from lib_web.problems import PROBLEM_MIMETYPE

HTML = {"Accept": "text/html"}
# The small model's signs of toxic ("ba") and obscene ("!"), and a text that has none of any label.
RUDE, KIND = "Bad bacon, bad bar, bad barman, bad band!!!", "Lovely noodles, quick and warm"


def write(client, text):
    """The review as the API gives it, with the moderation that the test is about."""
    document = client.post("/api/reviews", json={"text": text}).json
    assert document["moderation"]["flagged"] is (text == RUDE), "the small model learnt its signs"
    return document


def public_texts(client):
    return [each["text"] for each in client.get("/api/reviews").json["reviews"]]


def sign_in(client, token="the-moderators-token"):
    return client.post("/moderation/sign-in", data={"token": token}, headers=HTML)


def decide(client, review_id, decision):
    return client.post(f"/moderation/reviews/{review_id}", data={"decision": decision}, headers=HTML)


def body(reply):
    return reply.get_data(as_text=True)


def test_a_kind_review_is_public_at_once_without_its_id(client):
    review = write(client, KIND)
    assert review["standing"] == "public"
    assert public_texts(client) == [KIND]
    listed = client.get("/api/reviews").json["reviews"][0]
    assert listed.keys() == {"text", "sentiment", "created_at"}
    page = body(client.get("/reviews", headers=HTML))
    assert KIND in page
    assert review["id"] not in page


def test_a_flagged_review_is_held_back_until_a_moderator_lets_it_through(client):
    review = write(client, RUDE)
    assert review["standing"] == "held"
    assert public_texts(client) == []
    assert RUDE not in body(client.get("/reviews", headers=HTML))

    assert sign_in(client).status_code == 303
    queue = body(client.get("/moderation", headers=HTML))
    assert RUDE in queue
    assert "Flagged as" in queue
    assert decide(client, review["id"], "publish").status_code == 303
    assert "Nothing waits for you" in body(client.get("/moderation", headers=HTML))
    assert public_texts(client) == [RUDE]
    assert client.get(f"/api/reviews/{review['id']}").json["standing"] == "public"


def test_a_review_that_a_moderator_keeps_back_is_never_listed(client):
    review = write(client, RUDE)
    sign_in(client)
    decide(client, review["id"], "withhold")
    assert public_texts(client) == []
    assert client.get(f"/api/reviews/{review['id']}").json["standing"] == "withheld"
    assert "a moderator keeps it back" in body(client.get(f"/reviews/{review['id']}", headers=HTML))


def test_the_reviewer_reads_what_was_flagged_and_that_it_is_held_back(client):
    page = body(client.get(f"/reviews/{write(client, RUDE)['id']}", headers=HTML))
    assert re.search(r'Flagged as .*<strong class="flag">', page)
    assert "severe toxic" in page
    assert "Only you can see this review" in page
    page = body(client.get(f"/reviews/{write(client, KIND)['id']}", headers=HTML))
    assert "found nothing to hold against it" in page
    assert "Everybody can read it" in page


def test_without_a_moderation_model_the_verdict_comes_and_the_review_is_held_back(make_app, model_services):
    client = make_app(model_services["v1"].url).test_client()
    created = client.post("/api/reviews", json={"text": KIND})
    assert (created.status_code, created.json["moderation"], created.json["standing"]) == (201, None, "held")
    assert public_texts(client) == []


def test_a_token_that_the_model_service_does_not_know_holds_reviews_back(make_app, model_services, tmp_path):
    file = tmp_path / "app.token"
    file.write_text("a-token-of-another-time")
    client = make_app(model_services["v1"].url, model_service_token_file=file).test_client()
    created = client.post("/api/reviews", json={"text": KIND})
    assert (created.status_code, created.json["standing"]) == (201, "held")


@pytest.mark.parametrize("token", ["", "the-moderators-tokem", "x" * 10_000, "ünïcode-token-12345"])
def test_a_wrong_token_does_not_sign_in(client, token):
    reply = sign_in(client, token)
    assert (reply.status_code, "Set-Cookie" in reply.headers) == (403, False)
    assert token[:16] not in body(reply) or not token
    assert "Sign in" in body(client.get("/moderation", headers=HTML))


@pytest.mark.parametrize("cookie", ["", "moderator", "moderator.aaaa.bbbb", "moderator.Z0PXsw.%00", "\xff"])
def test_nobody_decides_with_a_cookie_of_their_own_making(client, cookie):
    review = write(client, RUDE)
    client.set_cookie("palate_moderator", cookie, path="/moderation")
    assert decide(client, review["id"], "publish").status_code == 403
    assert public_texts(client) == []


def test_the_cookie_is_for_moderation_alone_and_ends_with_the_shift(client):
    cookie = sign_in(client).headers["Set-Cookie"]
    for attribute in ("HttpOnly", "SameSite=Strict", "Path=/moderation", "Max-Age=28800"):
        assert attribute in cookie
    client.post("/moderation/sign-out", headers=HTML)
    assert "Sign in" in body(client.get("/moderation", headers=HTML))


@pytest.mark.parametrize(("decision", "status"), [("burn", 422), ("", 422)])
def test_a_wrong_decision_names_the_field(client, decision, status):
    review = write(client, RUDE)
    sign_in(client)
    reply = client.post(f"/moderation/reviews/{review['id']}", data={"decision": decision}, headers=HTML)
    assert reply.status_code == status
    assert "publish or withhold" in body(reply)


def test_an_unknown_review_can_not_be_decided_on(client):
    sign_in(client)
    assert decide(client, "0" * 32, "publish").status_code == 404
    assert decide(client, "nonsense", "publish").status_code == 404


def test_another_sites_page_can_not_decide(client):
    review = write(client, RUDE)
    sign_in(client)
    headers = {**HTML, "Sec-Fetch-Site": "cross-site"}
    reply = client.post(f"/moderation/reviews/{review['id']}", data={"decision": "publish"}, headers=headers)
    assert reply.status_code == 403
    assert public_texts(client) == []


def test_without_a_moderators_token_the_page_says_how_to_name_one(make_app):
    reply = make_app().test_client().get("/moderation", headers=HTML)
    assert reply.status_code == 404
    assert "APP_MODERATOR_TOKEN_FILE" in body(reply)


def test_the_public_list_is_described_and_answers_problems_when_the_store_is_gone(client, tmp_path):
    assert "get" in client.get("/openapi.json").json["paths"]["/api/reviews"]
    (tmp_path / "palate.db").unlink()
    (tmp_path / "palate.db").mkdir()
    reply = client.get("/api/reviews")
    assert (reply.status_code, reply.mimetype) == (503, PROBLEM_MIMETYPE)
