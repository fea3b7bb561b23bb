"""Events in pairs: a beginning fires and expires if no end comes, and only its own end closes it."""

import csv
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.callbacks.other_bodies import (
    CARRIERS,
    FAMILIES,
    PAIR,
    PLACES,
    WRITINGS,
    Document,
    changed,
    pushed,
    read_document,
)
from tests.domain.incident.incident_log import IncidentLog, minute
from trayalert.callbacks.event_pairs import read_pair
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.incident.alert import Alert, State
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level

texts = st.text(st.sampled_from("_:- 未恢复上线异常aA1") | st.characters(), max_size=30) | st.sampled_from(
    ["x_up", "Failed"]
)

TABLE = Path(__file__).parent.parent / "data" / "events.tsv"


class Row(NamedTuple):
    product: str
    name: str
    status: str
    state: str
    incident: str
    source: str


def rows() -> list[Row]:
    with TABLE.open(encoding="utf-8") as lines:
        return [Row(*row) for row in csv.reader(lines, delimiter="\t") if not row[0].startswith("#")]


def event(name: str, status: str | None = None, **parts: object) -> Alert:
    return read_document(changed(PAIR, name=name, status=status, **parts))


def both(rule: dict[str, Any]) -> tuple[Alert, Alert]:
    """Return the alert of an event as an event rule sends it, and as the event centre sends it."""
    return read_document(rule), read_document(pushed(rule))


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"{row.product} {row.name} {row.status}")
def test_an_event_of_the_documents_burns_or_ends(row: Row) -> None:
    for alert in both(changed(PAIR, product=row.product, name=row.name, status=row.status or None)):
        assert alert.state == row.state


def test_events_of_the_documents_share_an_incident_with_their_own_kind_alone() -> None:
    keys: dict[object, set[str]] = {}
    for number, row in enumerate(rows()):
        rule = changed(PAIR, product=row.product, name=row.name, status=row.status or None)
        own = number if row.incident == "-" else (row.product, row.incident)
        keys.setdefault(own, set()).add(read_document(rule).key)

    assert {own: len(found) for own, found in keys.items()} == dict.fromkeys(keys, 1)
    assert len({key for found in keys.values() for key in found}) == len(keys)


@pytest.mark.parametrize("write", WRITINGS)
@pytest.mark.parametrize("place", PLACES)
def test_a_beginning_burns_and_expires_and_its_end_alone_shares_its_incident(write: str, place: str) -> None:
    def rule(word: str, *stem: str, **parts: object) -> dict[str, Any]:
        name, status = PLACES[place](WRITINGS[write], [*stem], word)
        return changed(PAIR, name=name, status=status, **parts)

    stem = ("vpn", "phase2", "tunnel")
    for begins, ends, _ in FAMILIES:
        others = (
            rule(ends, "vpn", "phase1", "tunnel"),
            rule(ends, "nic"),
            rule(ends, *stem, product="DTS"),
            rule(ends, *stem, userId="1"),
            rule(ends, *stem, resourceId="acs:vpn:cn-hangzhou:1690000000000001:vpn/vco-2"),
            rule(ends, *stem, content={"ip": "10.0.0.1"}),
            rule(ends, *stem, content={"device": "/dev/vdb"}),
        )
        for begun, over in zip(both(rule(begins, *stem)), both(rule(ends, *stem)), strict=True):
            assert (begun.state, begun.one_off) == (State.ALERT, True), begun.name
            assert (over.state, over.one_off) == (State.OK, False), over.name
            assert begun.key == over.key == begun.subject == over.subject
            assert begun.identity != over.identity
        # the key is the same from a rule and from the event centre
        assert len({alert.key for alert in both(rule(ends, *stem))}) == 1
        assert begun.key not in {read_document(other).key for other in others}, begun.name


@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("send", [dict, pushed])
def test_a_pair_is_read_however_it_is_sent(carrier: str, send: Callable[[Document], Document]) -> None:
    for *words, _ in FAMILIES:
        documents = [send(changed(PAIR, name=f"tunnel_{word}")) for word in words]
        (begun,), (over,) = (read_callback(CARRIERS[carrier](document)) for document in documents)

        assert (begun.state, over.state) == (State.ALERT, State.OK), words
        assert begun.key == over.key


def test_an_end_ends_no_beginning_of_another_family() -> None:
    for (begins, _, one), (_, ends, other) in product(FAMILIES, FAMILIES):
        assert (event(f"nic_{begins}").key == event(f"nic_{ends}").key) == (one == other), (begins, ends)


steps = st.lists(
    st.tuples(st.sampled_from(["tunnel", "nic"]), st.booleans(), st.integers(0, 9)), unique_by=lambda step: step[::2]
)


@given(family=st.sampled_from(FAMILIES), steps=steps, data=st.data())
def test_in_every_order_of_arrival_burns_what_has_begun_after_its_last_end(
    family: tuple[str, str, str], steps: list[tuple[str, bool, int]], data: st.DataObject
) -> None:
    log = IncidentLog()
    for stem, ends, at in data.draw(st.permutations(steps)):
        log.take_each([event(f"{stem}_{family[ends]}", id=f"{stem} {at}", eventTime=str(minute(at)))])

    latest = {stem: ends for stem, ends, at in sorted(steps, key=lambda step: step[2])}
    assert len(log.open()) == sum(not ends for ends in latest.values())
    assert all(incident.expires_at for incident in log.open())


@pytest.mark.parametrize(("level", "hours"), [("INFO", 1), ("WARN", 24), ("CRITICAL", 72)])
def test_a_beginning_whose_end_never_comes_expires_by_its_level(level: str, hours: int) -> None:
    (incident,) = IncidentLog().take(event("DeviceOffline", level=level), came=0).open()

    assert incident.expires_at == minute(hours * 60)


def test_an_end_without_a_beginning_is_a_recovered_incident() -> None:
    log = IncidentLog().take(event("Instance_Reboot_Success"))

    assert log.changes == [Change.RECOVERED_UNKNOWN]
    assert not log.open()


def test_a_beginning_and_an_end_of_one_moment_are_over_in_both_orders() -> None:
    begun, over = event("nic_down"), event("nic_up")

    assert not IncidentLog().take_each([begun, over]).open()
    assert not IncidentLog().take_each([over, begun]).open()


def test_a_start_that_ends_with_a_warning_goes_on_as_the_warning() -> None:
    start = event("AUTOSCALING:SCALE_OUT_START", "normal", level="INFO")
    warned = event("AUTOSCALING:SCALE_OUT_WARN", "warn", level="WARN", eventTime="20261130T070500.000+0800")
    (incident,) = IncidentLog().take(start, came=0).take(warned, came=5).open()

    assert (incident.alerts, incident.level, incident.expires_at) == (2, Level.WARN, minute(5 + 24 * 60))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("tunnel_success", "Failed"), ("tunnel_failed", "Success"), ("job_restore", "Abnormal"),
        ("DeviceOnline", "offline"), ("DeviceOffline", "online"), ("job_failed", "end"), ("job_failed", "Finished"),
        ("DeviceWanLinkUp", "WanLinkDown"), ("DeviceLinkUp", "linkdown"), ("x_blackhole_end", "blackhole_begin"),
        ("x_blackhole_add", "blackhole_end"), ("task_end", "Executing"), ("heartbeat_lost", "recovering"),
        ("设备上线", "离线"), ("设备离线", "上线"), ("DiskFull", "normal"), ("heartbeat_lost", "not recovered"),
    ],
)  # fmt: skip
def test_a_name_and_a_status_that_contradict_each_other_burn(name: str, status: str) -> None:
    for alert in both(changed(PAIR, name=name, status=status)):
        assert (alert.state, alert.one_off) == (State.ALERT, True)


def test_a_completion_whose_result_is_a_failure_burns() -> None:
    done, failed = (
        event("Disk:DiskOperationCompleted", content={"result": word}) for word in ("accomplished", "failed")
    )

    assert (done.state, failed.state) == (State.OK, State.ALERT)


@pytest.mark.parametrize(
    "status", ["Normal", "normal", "0", "1", "200", "OK", "Success", "Running", "Executed", "", "x"]
)
@pytest.mark.parametrize(
    "name", ["Instance:Released", "Instance:StateChange", "QuotaReached", "ConfigChanged", "master_slave_switch", "x"]
)
def test_a_status_that_says_little_makes_no_end_of_an_event_that_just_happened(name: str, status: str) -> None:
    alert = event(name, status)

    assert (alert.state, alert.one_off) == (State.ALERT, True)
    assert alert.key == event(name).key


@pytest.mark.parametrize("state", ["Running", "Stopped", "Unlocked", "Recovered"])
def test_the_state_in_the_content_of_an_event_makes_no_pair(state: str) -> None:
    """It does not say whether the instance had a fault before."""
    alert = event("Instance:StateChange", "Normal", content={"state": state})

    assert (alert.state, alert.one_off) == (State.ALERT, True)
    assert alert.key == event("Instance:StateChange", "Normal", content={"state": "Deleted"}).key


@pytest.mark.parametrize(
    "name",
    [
        "tunnel_not_recovered", "tunnel_not_yet_recovered", "failed_to_recover", "Tunnel_Failed_To_Recover",
        "cannot_connect", "隧道未恢复", "隧道尚未恢复正常", "隧道无法上线", "不正常", "服务不可用",
        "ScaleOutPartialSuccess", "Switch_To_Backup", "SwitchToBackUp", "AutoScaleUp", "TransactionLongRunning",
        "DisasterRecovery", "UpdateAvailable", "ProcessExit", "AbnormalExit", "pod_exited", "data_cleared",
        "brute_force_success", "AttackSuccess", "暴力破解成功", "EndToEndLatencyHigh", "SuccessRateLow",
        "OnlineUsersExceeded", "RunningTaskLost", "Service_Started", "unsuccessful", "DeviceUnrecovered",
        "MemoryUsageUp", "DataRestore", "DnsResolve", "queue_length_up", "cpu_up",
        "ServiceNoLongerAvailable", "waiting_to_be_restored", "about_to_recover", "ExpectedToRecover",
        "will_be_restored", "pending_recovery", "InstanceInRecovery", "needs_recovery", "auto_recovery",
        "start_recovery", "begin_restore", "half_completed", "almost_recovered", "正在恢复", "待恢复", "需人工恢复",
        "开始恢复", "不再可用", "难以恢复", "请尽快恢复",
        "UnHealthy", "Un_Healthy", "DisConnected", "AbNormal", "StatusUnNormal", "UnRecovered", "ServiceUnAvailable",
        "RootLoginSuccess", "异地登录成功", "PrivilegeEscalationSuccess", "InstanceStopSuccess",
        "LockSuccess", "实例下线成功",
        "instance_stop_completed", "device_offline_finished", "停机完成", "backup_failed_end", "job_failed_finished",
        "port_open", "port_closed", "protection_disabled", "endpoint", "group", "backup", "lockdown",
    ],
)  # fmt: skip
def test_a_word_that_only_looks_like_an_end_is_none(name: str) -> None:
    assert event(name).state is State.ALERT


@pytest.mark.parametrize(
    ("begins", "ends"),
    [
        ("nic_down", "nic_down_recovered"), ("sync_abnormal", "sync_abnormal_end"), ("nic_down_begin", "nic_up"),
        ("同步任务异常", "同步任务异常已恢复正常"),
        ("cpu_high", "cpu_high_recovered"), ("cpu_high", "cpu_back_to_normal"),
        ("CPU告警", "CPU告警解除"), ("DeviceHacked", "DeviceHackedRecovered"), ("nic_down_alarm", "nic_up"),
        ("nic down event", "nic up event"), ("nic_down_2", "nic_up_2"), ("Instance Off-Line", "InstanceOnLine"),
        ("attack", "attack_end"), ("实例故障开始", "实例故障恢复"), ("link_is_down", "link_is_up"),
        ("link_alarm_raised", "link_alarm_cleared"), ("AlarmOccurred", "AlarmCleared"), ("网络中断", "网络已自动恢复"),
        ("attack_detected", "attack_ended"), ("cpu_high", "cpu_returned_to_normal"), ("NodeUnHealthy", "NodeHealthy"),
        ("ServiceUnAvailable", "ServiceAvailable"), ("InstanceFailureStart", "InstanceFailureEnd"),
    ],
)  # fmt: skip
def test_an_end_may_name_what_it_ends(begins: str, ends: str) -> None:
    begun, over = event(begins), event(ends)

    assert (begun.state, over.state) == (State.ALERT, State.OK)
    assert begun.key == over.key


def test_names_that_differ_in_a_sign_or_a_digit_are_two_events() -> None:
    names = [
        "disk>90",
        "disk<90",
        "disk=90",
        "disk 90",
        "disk ٣",
        "disk ٤",
        "磁盘①",
        "磁盘②",
        "x" * 201,
        "y" * 201,
        "?",
        "!",
    ]

    assert len({event(name).key for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "begins", "ends"),
    [
        ("SyncStatus", "Abnormal", "Normal"), ("sync_job", "Failed", "Restore"), ("sync_job", "Failed", "Success"),
        ("full_backup", "failed", "success"), ("disk_health", "unhealthy", "OK"), ("数据备份", "失败", "成功"),
        ("device", "offline", "online"), ("agent_status", "stopped", "running"), ("attack", "begin", "end"),
        ("job_abnormal", "Failed", "Restore"), ("heartbeat_lost", "Lost", "Recovered"), ("LinkDown", "begin", "end"),
        ("InstanceFailure", "Start", "End"), ("链路中断", "发生", "已恢复"), ("network_interruption", "start", "ended"),
    ],
)  # fmt: skip
def test_one_name_is_a_pair_by_its_status(name: str, begins: str, ends: str) -> None:
    begun, over = event(name, begins), event(name, ends)

    assert (begun.state, over.state) == (State.ALERT, State.OK)
    assert begun.key == over.key


@pytest.mark.parametrize("content", [{}, {"eventId": "e-1"}])
@pytest.mark.parametrize("name", ["Instance_Failure_", "InstanceFailure", "INSTANCE_FAILURE_"])
def test_the_failure_of_a_database_is_a_pair_whatever_its_status_and_ids(name: str, content: dict[str, str]) -> None:
    begins, ends = ("START", "END") if name.isupper() else ("Start", "End")
    for begun, over in zip(
        both(changed(PAIR, name=name + begins, status="Executing", content=content)),
        both(changed(PAIR, name=name + ends, status="Executed", content=content)),
        strict=True,
    ):
        assert (begun.state, begun.one_off, over.state) == (State.ALERT, True, State.OK)
        assert begun.key == over.key


@pytest.mark.parametrize("name", ["Instance:SystemMaintenance.Restart", "Instance:SystemMaintenance.Start"])
def test_a_maintenance_that_only_sounds_like_half_of_a_pair_goes_through_its_phases(name: str) -> None:
    for scheduled, over in zip(
        both(changed(PAIR, name=name, status="Scheduled", content={"eventId": "e-1"})),
        both(changed(PAIR, name=name, status="Executed", content={"eventId": "e-1"})),
        strict=True,
    ):
        assert (scheduled.state, scheduled.one_off, over.state) == (State.ALERT, False, State.OK)
        assert scheduled.key == over.key


# pairs whose beginning says that something is gone, and whose end is a general word of recovery
GONE = (
    ("nic_down", "nic_recovered"), ("DeviceOffline", "DeviceRecovered"), ("link_down", "link_restored"),
    ("tunnel_disconnected", "tunnel_recovered"), ("service_unavailable", "service_resolved"),
    ("agent_stopped", "agent_recovered"), ("network_down", "network_normal"), ("隧道断开", "隧道恢复"),
    ("实例宕机", "实例已恢复"), ("设备离线", "设备恢复正常"),
)  # fmt: skip


def at(number: float, name: str, status: str | None = None, /, **parts: object) -> Alert:
    return event(name, status, id=f"{name} {number}", eventTime=str(minute(number)), **parts)


@pytest.mark.parametrize(("gone", "back"), GONE)
def test_what_was_gone_recovers_in_both_orders_of_arrival(gone: str, back: str) -> None:
    for alerts in ([at(0, gone), at(5, back)], [at(5, back), at(0, gone)], [at(0, gone), at(0, back)]):
        log = IncidentLog().take_each(alerts)

        assert not log.open()
        assert len(log.incidents) == 1


def test_a_status_says_that_what_was_gone_has_recovered() -> None:
    assert not IncidentLog().take_each([at(0, "link_status", "Down"), at(5, "link_status", "Recovered")]).open()
    assert not IncidentLog().take_each([at(0, "nic_down", "down"), at(5, "nic_recovered", "recovered")]).open()


@pytest.mark.parametrize(
    ("gone", "back"),
    [
        ("nic_down", "link_recovered"), ("nic_down", "nic_success"),
        ("nic_1_down", "nic_2_recovered"), ("nic_down", "nic_end"), ("device_locked", "device_recovered"),
        ("job_paused", "job_recovered"), ("disk_full", "disk_online"), ("disk_abnormal", "disk_up"),
    ],
)  # fmt: skip
def test_what_was_gone_recovers_by_nothing_else(gone: str, back: str) -> None:
    (incident,) = IncidentLog().take_each([at(0, gone), at(5, back)]).open()

    assert incident.opened_at == minute(0)


@pytest.mark.parametrize(
    "other", [{"product": "DTS"}, {"userId": "1"}, {"resourceId": "vco-2"}, {"content": {"ip": "1"}}]
)
def test_what_was_gone_recovers_by_no_others_recovery(other: dict[str, Any]) -> None:
    assert IncidentLog().take_each([at(0, "nic_down"), at(5, "nic_recovered", **other)]).open()


def test_the_event_centres_end_of_one_beginning_ends_no_other() -> None:
    over = pushed(changed(PAIR, name="nic_down", eventTime=str(minute(5))))
    over["alert"]["alertStatus"] = "RESOLVED"

    assert IncidentLog().take_each([at(0, "nic_abnormal"), read_document(over)]).open()
    assert not IncidentLog().take_each([at(0, "nic_down"), read_document(over)]).open()


def test_a_recovery_that_could_mean_several_ends_none_but_its_own() -> None:
    log = IncidentLog().take_each([at(0, "nic_down"), at(1, "nic_disconnected"), at(5, "nic_recovered")])
    assert len(log.open()) == 2

    log = IncidentLog().take_each([at(0, "disk_full"), at(1, "disk_offline")])
    assert len(log.open()) == 2
    (left,) = log.take_each([at(5, "disk_recovered")]).open()
    assert left.opened_at == minute(1)


def test_a_beginning_that_came_after_a_recovery_stays_open() -> None:
    for alerts in ([at(5, "nic_recovered"), at(9, "nic_down")], [at(9, "nic_down"), at(5, "nic_recovered")]):
        (incident,) = IncidentLog().take_each(alerts).open()

        assert incident.opened_at == minute(9)


@given(moments=st.lists(st.sampled_from(["nic_up", "nic_recovered"]), max_size=6), order=st.randoms())
def test_what_is_gone_burns_or_not_by_its_last_event_in_whatever_order_ends_come(
    moments: list[str], order: Any
) -> None:
    names = ["nic_down", *moments]
    alerts = [at(number, name) for number, name in enumerate(names)]
    order.shuffle(alerts)

    assert len(IncidentLog().take_each(alerts).open()) == (names[-1] == "nic_down")


def test_a_status_alone_makes_a_pair_of_names_that_differ_in_an_unknown_word() -> None:
    begun, over = event("x_blackhole_foo", "blackhole_begin"), event("x_blackhole_bar", "blackhole_end")
    other = event("x_cleaning_bar", "cleaning_end")

    assert (begun.state, over.state) == (State.ALERT, State.OK)
    assert begun.key == over.key != other.key


def test_events_with_no_resource_are_told_apart_by_the_ids_in_their_content() -> None:
    one, other = (event("job_failed", resourceId=None, content={"jobId": number}) for number in "12")
    over = event(
        "job_success", resourceId=None, content={"jobId": "1", "seconds": "5", "eventId": "e", "requestId": "r"}
    )

    assert one.key == over.key != other.key


@given(name=texts, status=texts | st.none(), result=texts | st.none())
def test_any_texts_are_a_pair_or_none(name: str, status: str | None, result: str | None) -> None:
    pair = read_pair(name, status, result)

    assert pair is None or pair.stem
