"""Drawing a cohort number."""

import random

import pytest
from review_app.domain.cohort import Newcomer, draw_cohort


@pytest.mark.parametrize("weight", [0, 1, 10, 50, 99, 100])
@pytest.mark.parametrize("served", ["v1", "v2"])
def test_the_number_lies_in_the_range_of_the_served_side(served, weight):
    source = random.Random(7)
    drawn = {draw_cohort(Newcomer("r1", served, weight), source.randrange) for _ in range(3_000)}
    expected = set(range(weight)) if served == "v2" else set(range(weight, 100))
    assert drawn == (expected or {None})
