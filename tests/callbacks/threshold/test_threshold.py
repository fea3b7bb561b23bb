"""The threshold body: each field missing, empty or `null`, every word, and every way to write the body."""

from typing import Any

import pytest

from tests.callbacks.bodies import FORM, FULL, Writer, bare, changed, document, form, read, read_form, without
from trayalert.domain.incident.alert import UNRECOGNISED, Alert, Kind, State
from trayalert.domain.incident.level import Level

JSON = "application/json"

# for each field of FULL: its attribute and value; without the field the attribute is None, except in FALLBACKS
READ: dict[str, tuple[str, Any]] = {
    "alertName": ("name", "API网关_返回码 4XX 个数"),
    "alertState": ("state", State.ALERT),
    "curValue": ("value", 97.39),
    "dimensions": ("resource_id", "i-bp1example00000010aa"),
    "expression": ("expression", "$Average>=95"),
    "rawMetricName": ("metric", "diskusage_utilization"),
    "metricName": ("metric_title", "磁盘使用率"),
    "namespace": ("namespace", "acs_ecs"),
    "instanceName": ("resource_name", "web-01"),
    "triggerLevel": ("level", Level.CRITICAL),
    "preTriggerLevel": ("previous_level", Level.WARN),
    "ruleId": ("rule_id", "applyTemplate53767d2a-ae72-11ed-b2ca-00163e2c0001"),
    "userId": ("account_id", "1900000000000010"),
    "timestamp": ("at", 1685614196421),
    "productGroupName": ("group", "R&D prod"),
    "regionId": ("region", "cn-hangzhou"),
    "unit": ("unit", "%"),
    "transId": ("key", "bbbb2222-0064-11ee-b07f-00163e000002"),
}
# the values of attributes that are not None without their field
FALLBACKS: dict[str, Any] = {
    "alertState": State.ALERT,
    "rawMetricName": "磁盘使用率",
    "metricName": "diskusage_utilization",
    "namespace": "acs_ecs",  # metricProject contains the same
    "triggerLevel": Level.WARN,
    "userId": "1900000000000010",  # the dimensions contain the same
    "productGroupName": "50000017",  # taken from groupId
}


@pytest.mark.parametrize("write", [form, bare, document])
@pytest.mark.parametrize("name", READ)
def test_each_field_is_read(name: str, write: Writer) -> None:
    attribute, value = READ[name]

    assert getattr(read(write(FULL)), attribute) == value


@pytest.mark.parametrize("write", [form, bare, document])
@pytest.mark.parametrize("absent", ["missing", "", "null", " "])
@pytest.mark.parametrize("name", READ)
def test_absent_is_told_in_three_ways_and_costs_no_other_field(name: str, absent: str, write: Writer) -> None:
    alert = read(write(without(name) if absent == "missing" else changed(**{name: absent})))
    attribute, _ = READ[name]

    if name == "transId":
        assert alert.key == alert.subject
    else:
        assert getattr(alert, attribute) == FALLBACKS.get(name)
    for other in READ.keys() - {name}:
        other_attribute, value = READ[other]
        assert getattr(alert, other_attribute) == value


def test_null_as_json_is_absent_too() -> None:
    alert = read(document({"alertState": "OK", "ruleId": None, "unit": None, "dimensions": None, "instanceName": None}))

    assert (alert.rule_id, alert.unit, alert.resource_id, alert.resource_name) == (None, None, None, None)
    assert alert.dimensions == {}


@pytest.mark.parametrize("write", [form, bare, document])
def test_unknown_extra_fields_are_kept(write: Writer) -> None:
    alert = read(write(changed(newField="a b=c", customLabels="{k1=v1, k2=v2}", 名="值")))

    assert alert.kind == Kind("threshold")
    assert alert.fields["newField"] == "a b=c"
    assert alert.fields["customLabels"] == "{k1=v1, k2=v2}"
    assert alert.fields["名"] == "值"


@pytest.mark.parametrize("write", [form, bare, document])
def test_fields_are_all_names_and_texts_as_they_were_sent(write: Writer) -> None:
    assert read(write(FULL)).fields == FULL


@pytest.mark.parametrize(
    "content_type", ["", FORM, JSON, "text/plain", "multipart/form-data", "application/x; charset=no"]
)
@pytest.mark.parametrize("write", [form, bare, document])
def test_the_content_type_is_not_trusted(write: Writer, content_type: str) -> None:
    assert read(write(FULL), content_type=content_type).dimensions == read_form(FULL).dimensions


@pytest.mark.parametrize("write", [form, bare, document])
@pytest.mark.parametrize(
    ("before", "after"),
    [(b"\xef\xbb\xbf", b""), (b"", b"\n"), (b"\r\n", b"\r\n"), (b"\xef\xbb\xbf\n ", b" \n")],
)
def test_a_byte_order_mark_and_line_ends_around_the_body_are_no_part_of_it(
    write: Writer, before: bytes, after: bytes
) -> None:
    assert read(before + write(FULL) + after).fields == FULL


@pytest.mark.parametrize("body", [b"", b"\n"])
def test_the_fields_may_come_in_the_query_of_a_get(body: bytes) -> None:
    alert = read(body, query=form(FULL), method="GET")

    assert alert.fields == FULL
    assert alert.kind == Kind("threshold")


def test_a_query_of_our_own_beside_a_body_is_ignored() -> None:
    assert read(form(FULL), query=b"from=aliyun&alertState=OK").fields == FULL


def test_a_field_named_twice_counts_once_as_it_came_first() -> None:
    assert read(form(FULL) + b"&alertState=OK&ruleId=other").fields == FULL


def test_empty_pieces_between_ampersands_are_nothing() -> None:
    assert read(b"&&" + form(FULL).replace(b"&", b"&&") + b"&").fields == FULL


def test_the_misprinted_curvalue_is_the_value() -> None:
    alert = read_form(without("curValue") | {"Curvalue": "95"})

    assert (alert.value, alert.value_text) == (95.0, "95")


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("97.39", 97.39), ("95 ", 95.0), ("0", 0.0), ("0.1", 0.1), ("-1.5", -1.5), ("+3", 3.0), ("1e3", 1000.0),
        ("1E-2", 0.01), (".5", 0.5), ("5.", 5.0), ("12%", None), ("1,234", None), ("1_000", None), ("١٢٣", None),
        ("NaN", None), ("Infinity", None), ("-inf", None), ("0x10", None), ("1e999", None), ("9" * 5000, None),
        ("1" * 300, float("1" * 300)), ("1 2", None), ("十", None), ("e5", None), (".", None),
    ],
)  # fmt: skip
def test_the_value_is_a_number_where_it_is_one_and_the_text_stays_as_sent(text: str, number: float | None) -> None:
    alert = read_form(changed(curValue=text))

    assert alert.value == number
    assert alert.value_text == text


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1508136760", 1508136760_000), ("1604919253334", 1604919253334), (" 1604919253334 ", 1604919253334),
        ("1508136760.0", 1508136760_000), ("1604919253334.000", 1604919253334), ("0", None), ("-1508136760", None),
        ("1508136760.5", None), ("150813676", None), ("15081367600", None), ("160491925333400", None), ("soon", None),
        ("1_508_136_760", None), ("١٥٠٨١٣٦٧٦٠", None), ("2023-06-01T10:00:00Z", None), ("9" * 5000, None),
        ("0508136760", None),
    ],
)  # fmt: skip
def test_ten_digits_are_seconds_thirteen_milliseconds_and_all_else_is_no_time(text: str, moment: int | None) -> None:
    assert read_form(changed(timestamp=text)).at == moment


@pytest.mark.parametrize(
    ("word", "state"),
    [
        ("ALERT", State.ALERT), ("ALARM", State.ALERT), ("OK", State.OK),
        ("INSUFFICIENT_DATA", State.INSUFFICIENT_DATA), ("ok", State.OK), (" OK ", State.OK),
        ("RECOVERED?", State.ALERT), ("正常", State.ALERT),
    ],
)  # fmt: skip
def test_a_state_in_doubt_is_an_alert(word: str, state: State) -> None:
    assert read_form(changed(alertState=word)).state is state


def test_with_no_state_the_level_ok_is_a_recovery() -> None:
    alert = read_form(without("alertState") | {"triggerLevel": "OK"})

    assert (alert.state, alert.level) == (State.OK, Level.OK)


LEVELS = [
    ("CRITICAL", Level.CRITICAL), ("WARN", Level.WARN), ("INFO", Level.INFO), ("WARNING", Level.WARN),
    ("P1", Level.CRITICAL), ("P2", Level.CRITICAL), ("P3", Level.WARN), ("P4", Level.INFO), ("warn", Level.WARN),
    ("P5", Level.INFO), ("严重", Level.CRITICAL), ("P9", Level.WARN), ("4", Level.WARN),
]  # fmt: skip


@pytest.mark.parametrize(("word", "level"), LEVELS)
def test_a_levels_word_is_mapped_and_an_unknown_one_is_a_warning(word: str, level: Level) -> None:
    alert = read_form(changed(triggerLevel=word, preTriggerLevel=word))

    assert (alert.level, alert.previous_level) == (level, level)
    assert alert.fields["triggerLevel"] == word


@pytest.mark.parametrize("word", ["OK", "null", "", "P9"])
def test_a_recovery_with_no_level_of_its_own_is_calm(word: str) -> None:
    assert read_form(changed(alertState="OK", triggerLevel=word)).level is Level.OK


@pytest.mark.parametrize("state", ["ALERT", "INSUFFICIENT_DATA", "what?"])
def test_no_alert_is_calm_because_its_level_says_so(state: str) -> None:
    assert read_form(changed(alertState=state, triggerLevel="OK")).level is Level.WARN


def test_the_level_before_a_first_trigger_is_absent() -> None:
    assert read_form(changed(preTriggerLevel="null")).previous_level is None


@pytest.mark.parametrize(
    ("project", "namespace", "expected"),
    [
        ("acs_ecs", "acs_ecs_dashboard", "acs_ecs"), ("acs_ecs_dashboard", "null", "acs_ecs"),
        ("", "acs_ecs", "acs_ecs"), ("acs_redis_dashboard", "", "acs_kvstore"), ("ecs_dashboard", "", "acs_ecs"),
        ("", "slb_dashboard", "acs_slb"), ("", "rds_dashboard", "acs_rds"), ("", "oss_dashboard", "acs_oss"),
        ("", "sls_dashboard", "acs_sls"), ("", "ess_dashboard", "acs_ess"),
        ("", "containerservice_dashboard", "acs_containerservice"), ("", "apigateway_dashboard", "acs_apigateway"),
        ("", "ocs_new", "acs_ocs"), ("", "acs_mns_new", "acs_mns"), ("", "acs_kvstore", "acs_kvstore"),
        ("", "waf", "waf"), ("", "acs_custom_1900000000000010", "acs_custom_1900000000000010"), ("null", "null", None),
    ],
)  # fmt: skip
def test_both_namespaces_are_normalised(project: str, namespace: str, expected: str | None) -> None:
    assert read_form(changed(metricProject=project, namespace=namespace)).namespace == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("web-01/10.0.0.14", "web-01"), ("web/01/10.0.0.14", "web/01"), ("web-01/10.48.XX.XX", "web-01"),
        ("web-01/10.0.0.14,47.1.2.3", "web-01"), ("web-01/fe80::1", "web-01"), ("网关 01/10.0.0.14", "网关 01"),
        ("web-01", "web-01"), ("web-01/blue", "web-01/blue"), ("/10.0.0.14", "/10.0.0.14"),
        ("tcp，端口：10080，实例：shop-lb", "shop-lb"), ("tcp，端口：10080，实例：店铺 lb", "店铺 lb"),
        ("taskName=test，address=http://shop.example.com/a?b=1", "test"), ("taskName=首页", "首页"),
        (r"\u4e2d\u6587-01/10.0.0.14", "中文-01"), (r"\ud83d\ude00", "😀"), (r"\ud83d", "\ufffd"),
        (r"C:\users", r"C:\users"),
        ("null", None), ("", None),
    ],
)  # fmt: skip
def test_a_resources_name_is_its_own_without_the_address(text: str, name: str | None) -> None:
    assert read_form(changed(instanceName=text)).resource_name == name


def test_an_unencoded_ampersand_in_a_name_tears_nothing() -> None:
    alert = read(bare(changed(alertName="R&D CPU", instanceName="Q&A&more/10.0.0.14", productGroupName="R&D")))

    assert (alert.name, alert.resource_name, alert.group) == ("R&D CPU", "Q&A&more", "R&D")
    assert alert.fields["alertState"] == "ALERT"


@pytest.mark.parametrize(
    ("namespace", "dimensions", "name"),
    [
        ("acs_ecs", "{device=/dev/vda1, instanceId=X}", "instanceId"),
        ("acs_rds", "{instanceId=X, dbName=a}", "instanceId"),
        ("acs_slb", "{port=10080, protocol=tcp, instanceId=X}", "instanceId"),
        ("acs_alb", "{listenerPort=80, loadBalancerId=X}", "loadBalancerId"),
        ("acs_polardb", "{clusterId=X, nodeId=pi-1}", "clusterId"),
        ("acs_emr", "{host=a, clusterId=X, role=MASTER}", "clusterId"),
        ("acs_elasticsearch", "{nodeIP=10.0.0.1, clusterId=X}", "clusterId"),
        ("acs_oss", "{BucketName=X, storageType=Standard}", "BucketName"),
        ("acs_k8s", "{app=a, cluster=X, pod=p}", "cluster"),
        ("acs_nas", "{fileSystemId=X, userId=1}", "fileSystemId"),
        ("acs_sls", "{logstore=a, project=X}", "project"),
        ("acs_ddos", "{InstanceId=X, ip=10.0.0.1}", "InstanceId"),
        ("acs_smartag", "{instance_id=X, direction=in}", "instance_id"),
        ("acs_apigateway", "{apiStageName=RELEASE, apiUid=X}", "apiUid"),
        ("acs_networkmonitor", "{isp=1, taskId=X}", "taskId"),
        ("waf", "{domain=a.example.com, instanceId=X}", "instanceId"),
        ("acs_vpc_eip", "{userld=1, instanceld=X}", "instanceld"),
        ("acs_cen", "{regionId=cn-hangzhou, cenId=X}", "cenId"),
        ("acs_hbr", "{vaultId=X}", "vaultId"),
        ("acs_iot", "{productKey=X}", "productKey"),
        ("acs_fc", "{functionName=X, serviceName=s}", "functionName"),
        ("acs_unknown_to_us", "{zone=z, app=X, userId=1}", "app"),
        ("null", "{userId=1, uid=2, port=X}", "port"),
        ("acs_ecs", "{userId=1}", None),
        ("acs_ecs", "{instanceId=null, device=X}", "device"),
        ("acs_ecs", "{instanceId=, device=X}", "device"),
        ("acs_ecs", "{instanceId=null}", None),
    ],
)
def test_the_resource_is_named_by_the_dimension_of_its_service(
    namespace: str, dimensions: str, name: str | None
) -> None:
    alert = read_form(changed(namespace=namespace, metricProject="null", dimensions=dimensions))

    assert alert.resource_id == ("X" if name else None)
    if name:
        assert alert.dimensions[name] == "X"


@pytest.mark.parametrize(
    ("region_id", "dimensions", "region"),
    [
        ("cn-hangzhou", "{region=cn-shenzhen, instanceId=i}", "cn-hangzhou"),
        ("null", "{regionId=cn-beijing, region=cn-shenzhen}", "cn-shenzhen"),
        ("", "{regionId=cn-beijing, instanceId=i}", "cn-beijing"),
        ("null", "{region=null, regionId=cn-beijing}", "cn-beijing"),
        ("null", "{region=, regionId=, instanceId=i}", None),
        ("null", "{instanceId=i}", None),
    ],
)
def test_the_region_comes_from_its_field_or_from_the_dimensions(
    region_id: str, dimensions: str, region: str | None
) -> None:
    assert read_form(changed(regionId=region_id, dimensions=dimensions)).region == region


@pytest.mark.parametrize("dimensions", ["{instanceId=i}", "{instanceId=i, userId=null}", "{instanceId=i, userId=}"])
def test_no_account_is_made_of_an_empty_dimension(dimensions: str) -> None:
    assert read_form(without("userId") | {"dimensions": dimensions}).account_id is None


@pytest.mark.parametrize(
    "fields",
    [
        {"alertState": "ALERT"},
        {"alertName": "a", "curValue": "1"},
        {"dimensions": "{instanceId=i}", "ruleId": "r"},
        {"Curvalue": "9", "metricName": "m"},
    ],
)
def test_few_fields_are_enough(fields: dict[str, str]) -> None:
    assert read_form(fields).kind == Kind("threshold")


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"userId": "1", "timestamp": "1604919253334"}, UNRECOGNISED),
        # a template that was not filled in
        ({"alertName": "", "alertState": "null", "curValue": "", "dimensions": "", "ruleId": ""}, UNRECOGNISED),
        # another kind names its rule in the same field
        ({"ruleId": "r", "status": "RESOLVED", "subject": "s"}, "cms2"),
        ({"name": "n", "product": "ECS", "content": "{}"}, "event"),
    ],
)
def test_what_says_nothing_of_a_threshold_is_not_taken_for_one(fields: dict[str, str], kind: str) -> None:
    alert = read_form(fields)

    assert alert.kind == kind
    assert alert.fields == fields


def test_what_is_wrong_in_one_field_stays_in_that_field() -> None:
    def read_but(**fields: str) -> Alert:
        return read_form(changed(**fields))

    assert read_but(timestamp="soon", curValue="many", triggerLevel="?", dimensions="?").name == FULL["alertName"]
    assert read_but(dimensions="}{,=").fields["dimensions"] == "}{,="
