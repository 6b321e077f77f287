import sqlite3
from dataclasses import replace

import pytest
from model_service.adapters import SqlFeedbackStore
from model_service.adapters.feedback_store import feedback_table
from model_service.domain import Feedback, FeedbackNotStored
from sqlalchemy import select, text

FEEDBACK = Feedback("p1", "negative", "positive", "e6a1b2c3d4e5f607", "v1", 5.0, 9.0)


@pytest.fixture
def store(tmp_path):
    store = SqlFeedbackStore(f"sqlite:///{tmp_path}/feedback.db")
    store.create_table()
    yield store
    store.close()


def rows(store: SqlFeedbackStore) -> list[tuple]:
    with store.engine.connect() as connection:
        columns = feedback_table.c
        return [
            tuple(row) for row in connection.execute(select(columns.prediction_id, columns.label, columns.given_at_s))
        ]


def test_what_was_put_is_there_for_the_next_process(store, tmp_path):
    assert store.put(FEEDBACK) is True
    other = SqlFeedbackStore(f"sqlite:///{tmp_path}/feedback.db")
    other.create_table()
    assert rows(other) == [("p1", "negative", 9.0)]
    other.close()


def test_the_last_word_counts_and_the_same_word_twice_is_one(store):
    store.put(FEEDBACK)
    assert store.put(replace(FEEDBACK, given_at_s=10.0)) is False
    assert store.put(replace(FEEDBACK, label=None, given_at_s=11.0)) is True
    assert store.put(replace(FEEDBACK, label=None, given_at_s=12.0)) is False
    assert store.put(replace(FEEDBACK, label="positive", given_at_s=13.0)) is True
    assert rows(store) == [("p1", "positive", 13.0)]


def test_a_write_is_on_disk_before_it_is_acknowledged(store):
    with store.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 1_500


def test_a_locked_store_is_said_and_recovers(store, tmp_path):
    holder = sqlite3.connect(tmp_path / "feedback.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(FeedbackNotStored, match="locked") as failure:
        store.put(FEEDBACK)
    assert "p1" not in str(failure.value)
    holder.execute("ROLLBACK")
    holder.close()
    assert store.put(FEEDBACK) is True


def test_a_folder_that_is_not_there_is_said(tmp_path):
    with pytest.raises(FeedbackNotStored, match="unable to open database file"):
        SqlFeedbackStore(f"sqlite:///{tmp_path}/nowhere/feedback.db").create_table()
