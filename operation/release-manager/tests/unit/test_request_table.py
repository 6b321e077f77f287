import pytest
from release_manager.domain.routes import RoutingState, matching_rule, routes
from request_table import DRAWN, TABLE


@pytest.mark.parametrize("request_", TABLE, ids=lambda each: each.says)
def test_the_rules_send_each_request_where_the_table_says(request_):
    rules = routes(RoutingState("r1", request_.weight_percent))
    destinations = matching_rule(rules, dict(request_.headers)).destinations
    expected = {"v1", "v2"} if request_.version == DRAWN else {request_.version}
    assert {each.version for each in destinations} == expected
