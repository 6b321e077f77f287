"""Where a review stands with the public lists."""

import pytest
from review_app.domain.moderation import Decision, Moderation, ModerationLabel, Standing, standing
from review_app.domain.verdict import ModelIdentity

MODEL = ModelIdentity("moderation", "v1", "ab" * 32)
PASSED = Moderation((ModerationLabel("toxic", 0.1, 0.6, flagged=False),), MODEL)
FLAGGED = Moderation(
    (
        ModerationLabel("toxic", 0.7, 0.6, flagged=True),
        ModerationLabel("obscene", 0.3, 0.6, flagged=False),
        ModerationLabel("insult", 0.9, 0.8, flagged=True),
    ),
    MODEL,
)


@pytest.mark.parametrize(
    ("moderation", "decision", "expected"),
    [
        (PASSED, None, Standing.PUBLIC),
        (FLAGGED, None, Standing.HELD),
        (None, None, Standing.HELD),
        (FLAGGED, Decision.PUBLISH, Standing.PUBLIC),
        (None, Decision.PUBLISH, Standing.PUBLIC),
        (PASSED, Decision.WITHHOLD, Standing.WITHHELD),
        (FLAGGED, Decision.WITHHOLD, Standing.WITHHELD),
    ],
)
def test_a_moderators_word_stands_above_the_models_and_silence_holds(moderation, decision, expected):
    assert standing(moderation, decision) is expected


def test_the_flagged_labels_come_likeliest_first():
    assert [each.label for each in FLAGGED.flagged] == ["insult", "toxic"]
