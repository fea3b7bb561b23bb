import pytest

from trayalert.domain.incident.resource import id_dimension, normalise_namespace, value_or_none


@pytest.mark.parametrize(
    ("text", "namespace"),
    [
        (None, None), ("acs_ecs", "acs_ecs"), ("acs_ecs_dashboard", "acs_ecs"), ("ecs_dashboard", "acs_ecs"),
        ("acs_redis_dashboard", "acs_kvstore"), ("mns_new", "acs_mns"), ("waf", "waf"),
        ("acs_eci_dashboard", "acs_eci_dashboard"),
    ],
)  # fmt: skip
def test_a_rules_namespace_becomes_the_callbacks(text: str | None, namespace: str | None) -> None:
    assert normalise_namespace(text) == namespace


@pytest.mark.parametrize("text", [None, "", "null"])
def test_absent_is_told_in_three_ways(text: str | None) -> None:
    assert value_or_none(text) is None
    assert id_dimension("acs_ecs", {"instanceId": text or "", "userId": "1"}) is None


def test_the_account_names_no_resource_whatever_it_is_called() -> None:
    assert id_dimension("acs_new", {"userId": "1", "userld": "1", "uid": "1"}) is None
    assert id_dimension("acs_clickhouse", {"uid": "1", "logic_name": "a"}) == "logic_name"


def test_any_dimension_will_do_where_the_usual_one_is_missing() -> None:
    assert id_dimension("acs_ecs", {"zone": "z", "port": "80"}) == "port"
    assert id_dimension(None, {"zone": "z", "instanceId": "i"}) == "instanceId"
