"""The store on a real disk."""

import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from review_app.adapters.database import StoreOutdated, open_database, reading, require_newest_schema, writing
from review_app.adapters.migration import alembic_config, migrate
from review_app.adapters.stored_experiment import StoredExperiment
from review_app.adapters.stored_outbox import StoredOutbox
from review_app.adapters.stored_reviews import StoredReviews
from review_app.adapters.tables import SCHEMA, metadata
from review_app.domain.experiment import Assigned, ExperimentCount
from review_app.domain.moderation import Decision, Moderation, ModerationLabel, Standing
from review_app.domain.review import Review
from review_app.domain.store import ReviewUnknown, StoreUnavailable
from review_app.domain.verdict import ModelIdentity, Sentiment, Term, Verdict
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOLD = timedelta(seconds=20)
VISITOR = "ab" * 16


def make_moderation(*, flagged: bool) -> Moderation:
    label = ModerationLabel("insult", 0.8 if flagged else 0.1, 0.6, flagged)
    return Moderation((label,), ModelIdentity("moderation", "v1", "ef" * 32))


def make_review(number: int = 1, **given: object) -> Review:
    verdict = Verdict(
        prediction_id=f"prediction-{number}",
        sentiment=Sentiment.POSITIVE,
        probability=0.75,
        explanation=(Term("great", 1.5), Term("(intercept)", -0.25)),
        coverage=0.5,
        model=ModelIdentity("sentiment", "v1", "cd" * 32),
        service_version="1.0.0",
    )
    values = {
        "id": f"{number:032x}",
        "visitor_id": VISITOR,
        "text": "great soup ✓ <b>",
        "verdict": verdict,
        "release": "v1",
        "app_version": "1.2.3",
        "created_at": NOW + number * SECOND,
    }
    return Review(**{**values, **given})


OLD_REVIEW = f"""INSERT INTO reviews (id, text, sentiment, probability, coverage, explanation, prediction_id,
    model_name, model_version, model_sha256, service_version, release, app_version, created_at)
    VALUES ('{1:032x}', 'old soup', 'positive', 0.7, 0.5, '[]', 'p', 'sentiment', 'v1', '{"cd" * 32}', '1', 'v1', '1',
    '2026-11-20 12:00:00')"""


@pytest.fixture
def engine(store_url):
    engine = open_database(store_url)
    yield engine
    engine.dispose()


def test_a_review_comes_back_as_it_was_stored(engine):
    StoredReviews(engine).add(make_review())
    assert StoredReviews(engine).get(make_review().id) == make_review()


def test_an_unknown_review_is_said_to_be_unknown(engine):
    with pytest.raises(ReviewUnknown):
        StoredReviews(engine).get("0" * 32)
    with pytest.raises(ReviewUnknown):
        StoredReviews(engine).correct("0" * 32, Sentiment.POSITIVE, NOW)


def test_recent_reviews_are_the_visitors_own_newest_first_and_capped(engine):
    reviews = StoredReviews(engine)
    for number in range(1, 6):
        reviews.add(make_review(number))
    reviews.add(make_review(9, visitor_id="cd" * 16))
    reviews.add(make_review(10, visitor_id=None))
    assert [review.verdict.prediction_id for review in reviews.recent(VISITOR, 3)] == [
        "prediction-5",
        "prediction-4",
        "prediction-3",
    ]


@pytest.mark.parametrize("moderation", [None, make_moderation(flagged=True), make_moderation(flagged=False)])
def test_what_moderation_said_comes_back_as_it_was_stored(engine, moderation):
    StoredReviews(engine).add(make_review(moderation=moderation))
    assert StoredReviews(engine).get(make_review().id).moderation == moderation


def test_only_what_passed_is_public_and_the_rest_waits_the_oldest_first(engine):
    reviews = StoredReviews(engine)
    for number, moderation in ((1, make_moderation(flagged=True)), (2, None), (3, make_moderation(flagged=False))):
        reviews.add(make_review(number, moderation=moderation))
    reviews.add(make_review(4, moderation=make_moderation(flagged=False)))
    assert [review.verdict.prediction_id for review in reviews.public(10)] == ["prediction-4", "prediction-3"]
    assert [review.verdict.prediction_id for review in reviews.held(10)] == ["prediction-1", "prediction-2"]
    assert len(reviews.public(1)) == len(reviews.held(1)) == 1


def test_a_moderators_word_stands_above_the_models_and_the_last_one_counts(engine):
    reviews = StoredReviews(engine)
    reviews.add(make_review(moderation=make_moderation(flagged=True)))
    assert reviews.decide(make_review().id, Decision.PUBLISH, NOW).standing is Standing.PUBLIC
    assert (len(reviews.public(10)), len(reviews.held(10))) == (1, 0)
    assert reviews.decide(make_review().id, Decision.WITHHOLD, NOW).standing is Standing.WITHHELD
    assert (len(reviews.public(10)), len(reviews.held(10))) == (0, 0)
    assert reviews.get(make_review().id).decision is Decision.WITHHOLD
    with pytest.raises(ReviewUnknown):
        reviews.decide("0" * 32, Decision.PUBLISH, NOW)


def test_reviews_from_before_moderation_wait_for_a_moderator(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/old.db")
    with writing(engine) as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with writing(engine) as connection:
        connection.exec_driver_sql(OLD_REVIEW)
    migrate(engine)
    assert [review.text for review in StoredReviews(engine).held(10)] == ["old soup"]
    engine.dispose()


def test_a_correction_and_its_feedback_are_stored_together_and_the_last_word_wins(engine):
    reviews, outbox = StoredReviews(engine), StoredOutbox(engine)
    reviews.add(make_review())
    review_id = make_review().id
    assert reviews.correct(review_id, Sentiment.NEGATIVE, NOW).correction == Sentiment.NEGATIVE
    assert reviews.get(review_id).sentiment == Sentiment.NEGATIVE
    reviews.correct(review_id, None, NOW)
    assert reviews.get(review_id).sentiment == Sentiment.POSITIVE
    (feedback,) = outbox.claim("v1", NOW, hold=HOLD, limit=10)
    assert (feedback.prediction_id, feedback.label, feedback.revision) == ("prediction-1", None, 2)


def test_saying_the_same_again_sends_nothing_again(engine):
    reviews, outbox = StoredReviews(engine), StoredOutbox(engine)
    reviews.add(make_review())
    assert reviews.correct(make_review().id, None, NOW).correction is None
    assert outbox.pending("v1") == 0


def test_each_release_claims_only_its_own_feedback(engine):
    reviews, outbox = StoredReviews(engine), StoredOutbox(engine)
    for number, release in ((1, "v1"), (2, "v2")):
        reviews.add(make_review(number, release=release))
        reviews.correct(make_review(number).id, Sentiment.NEGATIVE, NOW)
    claimed = outbox.claim("v2", NOW, hold=HOLD, limit=10)
    assert [feedback.prediction_id for feedback in claimed] == ["prediction-2"]
    assert (outbox.pending("v1"), outbox.pending("v2")) == (1, 1)


def test_what_is_claimed_is_held_until_it_is_given_back_or_the_hold_ends(engine):
    reviews, outbox = StoredReviews(engine), StoredOutbox(engine)
    reviews.add(make_review())
    reviews.correct(make_review().id, Sentiment.NEGATIVE, NOW)
    (feedback,) = outbox.claim("v1", NOW, hold=HOLD, limit=10)
    assert not outbox.claim("v1", NOW + SECOND, hold=HOLD, limit=10)
    assert outbox.claim("v1", NOW + HOLD, hold=HOLD, limit=10) == [feedback]
    outbox.postpone(feedback, NOW + 60 * SECOND)
    assert not outbox.claim("v1", NOW + 59 * SECOND, hold=HOLD, limit=10)
    (again,) = outbox.claim("v1", NOW + 60 * SECOND, hold=HOLD, limit=10)
    assert again.attempts == 1


def test_a_change_of_mind_during_delivery_is_delivered_too(engine):
    reviews, outbox = StoredReviews(engine), StoredOutbox(engine)
    reviews.add(make_review())
    reviews.correct(make_review().id, Sentiment.NEGATIVE, NOW)
    (feedback,) = outbox.claim("v1", NOW, hold=HOLD, limit=10)
    reviews.correct(make_review().id, None, NOW + SECOND)
    assert not outbox.claim("v1", NOW + SECOND, hold=HOLD, limit=10), "the old word is still on its way"
    outbox.settled(feedback)
    (newer,) = outbox.claim("v1", NOW + SECOND, hold=HOLD, limit=10)
    assert newer.label is None
    outbox.settled(newer)
    assert outbox.pending("v1") == 0


def test_views_and_clicks_are_counted_per_release_and_visitor(engine):
    experiment = StoredExperiment(engine)
    assert experiment.saw("v1", VISITOR, Assigned.COHORT, NOW)
    assert not experiment.saw("v1", VISITOR, Assigned.COHORT, NOW)
    assert experiment.saw("v1", "cd" * 16, Assigned.COHORT, NOW)
    assert experiment.saw("v2", VISITOR, Assigned.COHORT, NOW)
    assert experiment.clicked("v1", VISITOR, Assigned.COHORT, "nora", NOW)
    assert not experiment.clicked("v1", VISITOR, Assigned.COHORT, "mei", NOW)
    assert not experiment.clicked("v1", VISITOR, Assigned.COHORT, "mei", NOW)
    assert experiment.counts() == [
        ExperimentCount("v1", views=3, viewers=2, clicks=3, clickers=1),
        ExperimentCount("v2", views=1, viewers=1, clicks=0, clickers=0),
    ]
    assert [count.click_through for count in experiment.counts()] == [0.5, 0.0]
    assert ExperimentCount("v1", 0, 0, 0, 0).click_through is None


def test_who_chose_the_release_by_header_is_kept_out_of_the_experiment(engine):
    experiment = StoredExperiment(engine)
    experiment.saw("v2", VISITOR, Assigned.HEADER, NOW)
    experiment.clicked("v2", VISITOR, Assigned.HEADER, "nora", NOW)
    assert experiment.counts() == []


def test_sqlite_syncs_every_commit_and_keeps_a_write_ahead_log(engine):
    with reading(engine) as connection:
        modes = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous")]
    assert modes == ["wal", 2]


def test_the_migrations_make_the_tables_that_the_code_uses(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_the_tables_are_good_for_postgres_too():
    for table in metadata.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))


def test_migrating_twice_changes_nothing(engine):
    StoredReviews(engine).add(make_review())
    migrate(engine)
    require_newest_schema(engine)
    assert StoredReviews(engine).get(make_review().id) == make_review()


def test_a_store_without_the_newest_schema_is_refused_naming_the_command(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(StoreOutdated, match="review-app-migrate"):
        require_newest_schema(engine)
    engine.dispose()


def test_a_store_that_can_not_be_opened_says_why(tmp_path):
    engine = open_database(f"sqlite:///{tmp_path}/no/such/folder.db")
    with pytest.raises(StoreUnavailable, match="unable to open"):
        require_newest_schema(engine)
    engine.dispose()


@pytest.mark.parametrize("url", ["nonsense", "nosuch://x/y", "postgresql+nosuchdriver://u:secret@h/d"])
def test_a_url_that_means_no_database_is_refused_by_the_settings_name(url):
    with pytest.raises(StoreUnavailable, match="APP_STORE_URL") as caught:
        open_database(url)
    assert "secret" not in str(caught.value)


def test_a_locked_store_is_unavailable_after_a_bounded_wait_and_shows_no_text(engine, tmp_path):
    other = sqlite3.connect(tmp_path / "palate.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked") as caught:
        StoredReviews(engine).add(make_review())
    assert "great soup" not in str(caught.value)
    assert "great soup" not in str(caught.value.__cause__)
    other.execute("ROLLBACK")
    other.close()
    StoredReviews(engine).add(make_review())


def test_the_tables_describe_the_newest_migration():
    assert ScriptDirectory.from_config(alembic_config()).get_heads() == [SCHEMA]
