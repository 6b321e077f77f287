"""The rules of a release: pure, without files, clocks or networks."""

from release_manager.domain.routes import (
    CANARY_WEIGHT_HEADER,
    NEWVERS_HEADER,
    RELEASE_HEADER,
    SERVED_VERSION_HEADER,
    Destination,
    HeaderEquals,
    HeaderMatches,
    RoutingState,
    Rule,
    cohort_cookie,
    cohorts_below,
    matching_rule,
    routes,
)

__all__ = [
    "CANARY_WEIGHT_HEADER",
    "NEWVERS_HEADER",
    "RELEASE_HEADER",
    "SERVED_VERSION_HEADER",
    "Destination",
    "HeaderEquals",
    "HeaderMatches",
    "RoutingState",
    "Rule",
    "cohort_cookie",
    "cohorts_below",
    "matching_rule",
    "routes",
]
