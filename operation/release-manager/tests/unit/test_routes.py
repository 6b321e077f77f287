import re
from itertools import pairwise

import pytest
from release_manager.domain.routes import (
    OWN_HEADERS,
    RoutingState,
    cohort_cookie,
    cohorts_below,
    routes,
)


@pytest.mark.parametrize("weight_percent", range(1, 101))
def test_the_cohort_pattern_takes_exactly_the_cohorts_below_the_weight(weight_percent):
    pattern = re.compile(cohorts_below(weight_percent))
    taken = [cohort for cohort in range(100) if pattern.fullmatch(f"{cohort:02d}")]
    assert taken == list(range(weight_percent))
    assert len(pattern.pattern) <= len("[0-9][0-9]|9[0-9]")


def test_no_cohort_is_below_zero():
    with pytest.raises(ValueError, match="no cohort"):
        cohorts_below(0)


@pytest.mark.parametrize("value", ["7", "007", "0", "", "+7", "a7", "7a", "07a", "\u0660\u0667", "0 7", '"07"', "07,"])
def test_a_cohort_has_exactly_two_digits(value):
    assert not cohort_cookie("r1", cohorts_below(100)).holds({"cookie": f"palate_r1={value}"})


@pytest.mark.parametrize("weight_percent", range(101))
def test_every_weight_gives_rules_that_take_every_request(weight_percent):
    rules = routes(RoutingState("r1", weight_percent))
    assert rules[-1].match is None
    assert all(rule.match is not None for rule in rules[:-1])
    for rule in rules:
        assert sum(each.weight_percent for each in rule.destinations) == 100
        assert all(each.weight_percent > 0 for each in rule.destinations)
        assert set(rule.strip_headers) == set(OWN_HEADERS)


def test_the_rules_are_tried_in_the_order_header_then_cohort_then_weight():
    names = [rule.name for rule in routes(RoutingState("r1", 10))]
    assert names == ["newvers", "cohort-canary", "cohort-stable", "newcomers"]


def test_a_rule_nobody_can_reach_is_left_out():
    assert "cohort-canary" not in {rule.name for rule in routes(RoutingState("r1", 0))}
    assert "cohort-stable" not in {rule.name for rule in routes(RoutingState("r1", 100))}


def test_only_newcomers_are_told_the_release_the_version_and_the_weight():
    *others, newcomers = routes(RoutingState("r1", 10))
    assert all(not each.set_headers for rule in others for each in rule.destinations)
    assert [(each.version, each.weight_percent, dict(each.set_headers)) for each in newcomers.destinations] == [
        ("v1", 90, {"x-palate-release": "r1", "x-served-version": "v1", "x-canary-weight": "10"}),
        ("v2", 10, {"x-palate-release": "r1", "x-served-version": "v2", "x-canary-weight": "10"}),
    ]


def test_raising_the_weight_moves_cohorts_to_the_canary_only():
    taken = [
        {f"{cohort:02d}" for cohort in range(100) if re.fullmatch(cohorts_below(weight), f"{cohort:02d}")}
        for weight in range(1, 101)
    ]
    assert all(lower < higher for lower, higher in pairwise(taken))


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"release": ""}, "release"),
        ({"release": "R1"}, "release"),
        ({"release": "r1=07;x"}, "release"),
        ({"release": "r1\n"}, "release"),
        ({"release": "-r"}, "release"),
        ({"release": "r" * 41}, "release"),
        ({"weight_percent": -1}, "weight_percent"),
        ({"weight_percent": 101}, "weight_percent"),
        ({"weight_percent": 10.5}, "weight_percent"),
        ({"weight_percent": True}, "weight_percent"),
        ({"canary": "v1"}, "differ"),
        ({"stable": "v 1"}, "stable"),
    ],
)
def test_a_state_that_makes_no_sense_is_refused_and_the_field_named(fields, named):
    with pytest.raises(ValueError, match=named):
        RoutingState(**{"release": "r1", "weight_percent": 10, **fields})
