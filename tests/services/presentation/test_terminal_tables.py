"""The tables that commands print in a terminal."""

import unicodedata
from pathlib import Path

from tests.storage.making import NOON, append, raw_callback, read, reading, store
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.listener_state import ListenerState
from trayalert.domain.log_state import LogState
from trayalert.domain.phrase import Phrase
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.times import as_datetime, iso
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.status import NO_TOTALS, InstanceStatus, status
from trayalert.services.presentation.terminal_tables import (
    alert_lines,
    expected_callback_lines,
    gap_lines,
    incident_lines,
    secret_lines,
    status_lines,
)

EN = Language.EN


def columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def place(line: str, text: str) -> int:
    """Return the column of the screen at which `text` starts."""
    return columns(line[: line.index(text)])


def table(tmp_path: Path) -> list[str]:
    path = tmp_path / "trayalert.db"
    store(
        path,
        append("i-1", alertName="CPU", metricName="CPU使用率", unit="%", came=NOON),
        append("i-2", alertName="磁盘使用率过高", metricName="disk", unit="%"),
        append("i-3", alertName="ＦＵＬＬ　width", metricName="メモリ", unit="%"),
    )
    with reading(path) as reader:
        return list(alert_lines(reader.alerts(limit=None), EN, now=NOON))


def test_columns_stand_below_each_other_in_chinese_too(tmp_path: Path) -> None:
    head, *lines = table(tmp_path)

    assert len(lines) == 3
    for title, texts in {"METRIC": ["メモリ", "disk", "CPU使用率"], "VALUE": ["97.5 %"] * 3}.items():
        assert {place(line, text) for line, text in zip(lines, texts, strict=True)} == {place(head, title)}
    assert all(line == line.rstrip() for line in lines)


def test_a_stranger_cannot_break_a_line_or_move_the_cursor(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(
        path, append("i-1", alertName="a\nb\r\x1b[2Jc\u202egnp\u200b", curValue="\x07"), read(raw_callback(b"\x1b[2J"))
    )
    with reading(path) as reader:
        lines = list(alert_lines(reader.alerts(limit=None), EN, now=NOON))
        lines += incident_lines(reader.every_incident(), EN, now=NOON, mute_period=1)

    assert len(lines) == 6
    assert all(line.isprintable() for line in lines)


def test_an_empty_table_is_its_head() -> None:
    assert len(list(alert_lines([], EN, now=0))) == len(list(incident_lines([], EN, now=0, mute_period=1))) == 1


def test_incidents_say_how_long_they_last(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    ok = {"alertState": "OK", "triggerLevel": "OK"}
    store(path, append("i-1"), append("i-2"), append("i-2", at=NOON + 180_000, **ok), append("i-3", at=NOON, **ok))
    with reading(path) as reader:
        head, lone, closed, firing = incident_lines(
            reader.every_incident(), EN, now=NOON + 7_500_000, mute_period=10**9
        )

    assert "recovered" in lone
    assert lone[place(head, "LASTED") :].startswith("?")
    assert closed[place(head, "LASTED") :].startswith("3 min ")
    assert firing[place(head, "LASTED") :].startswith("2 h 5 min ")


def test_in_chinese_levels_states_and_lengths_of_time_are_chinese(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    disk = {"dimensions": "{instanceId=i-1, device=/dev/vda1}", "instanceName": "db-02/10.0.0.22", "unit": "%"}
    store(
        path,
        append("i-1", triggerLevel="CRITICAL", **disk),
        append("i-1", at=NOON + 60_000, alertState="INSUFFICIENT_DATA", **disk),
        append("i-1", at=NOON + 180_000, alertState="OK", triggerLevel="OK", **disk),
    )
    with reading(path) as reader:
        _, ok, no_data, alert = alert_lines(reader.alerts(limit=None), Language.ZH, now=NOON)
        _, incident = incident_lines(reader.every_incident(), Language.ZH, now=NOON, mute_period=10**9)

    assert "正常  正常" in ok
    assert "无数据" in no_data
    assert "严重  报警" in alert
    assert "db-02 · /dev/vda1" in alert
    for words in ("已恢复", "严重", "3 分钟", "97.5 %"):
        assert words in incident


NOTHING_KEPT = {"backups": 0, "last_backup_at": None, "quarantined": 0, "salvage": None}


def status_text(running: InstanceStatus | None, *problems: str) -> str:
    state = status(settings=Settings(), problems=problems, totals=NO_TOTALS, running=running, data_dir="/data")
    return "\n".join(status_lines(state | NOTHING_KEPT, EN, now=NOON))


def test_status_says_what_matters_first() -> None:
    listener = ListenerState(host="127.0.0.1", port=8765, open=True)
    closed = ListenerState(host="127.0.0.1", port=8765, open=False, problem="port 8765 is taken.")

    assert status_text(None).startswith("not running: callbacks that come now are lost")
    running = InstanceStatus(mode="serve", pid=1, http_parser="c", listener=listener)
    assert status_text(running).startswith("running (serve), listening on 127.0.0.1:8765\n")
    shut = InstanceStatus(mode="tray", pid=1, http_parser="c", listener=closed)
    assert status_text(shut).startswith("running (tray), but the door is shut: port 8765 is taken.\n")
    assert "calm" not in status_text(running)
    assert "unknown: nothing has proved" in status_text(running)
    assert status_text(None, "port is wrong").endswith("settings        port is wrong")


def test_status_says_how_the_log_is_and_who_probes() -> None:
    listener = ListenerState(host="127.0.0.1", port=8765, open=True)
    log = LogState(storing=False, problems=("The disk is full.",), news=("3 of 4 salvaged.",), salvaging=True)
    running = InstanceStatus(
        mode="serve", pid=1, http_parser="c", listener=listener, log_state=log, secret_guesses="Someone is probing."
    )

    lines = status_text(running).splitlines()

    assert "reach           blind: callbacks are refused, as they cannot be stored" in lines
    assert {"log             The disk is full.", "log news        3 of 4 salvaged."} <= set(lines)
    assert "probing         Someone is probing." in lines
    assert any(line.startswith("salvage ") for line in lines)


def local(moment: int) -> str:
    return f"{as_datetime(moment).astimezone():%m-%d %H:%M}"


YESTERDAY = NOON - 86_400_000


def test_times_are_written_as_a_person_reads_them() -> None:
    gaps = (
        Gap(id=2, cause=GapCause.BLIND, began_at=NOON - 2_000, why=Phrase("After {duration}", duration="x\ny")),
        Gap(id=1, cause=GapCause.OFF, began_at=YESTERDAY, ended_at=YESTERDAY + 500),
    )
    _, lasting, ended = gap_lines(gaps, EN, now=NOON)
    assert lasting.split()[:2] == ["2", "blind"]
    assert lasting.endswith("After x y")
    assert "it lasts" in lasting
    assert "2 s" in lasting
    assert ended.count(local(YESTERDAY)) == 2
    assert "under 1 s" in ended

    row = {"name": "a", "secret": "***", "until": iso(YESTERDAY), "deliveries": 1, "last_at": None}
    _, secret = secret_lines([row], EN, now=NOON)
    assert secret.split() == ["a", "***", *local(YESTERDAY).split(), "1", "never"]
    _, expected = expected_callback_lines(
        [{"name": "a", "hours": 2.0, "level": "WARN", "last_at": None, "due_at": YESTERDAY, "state": "waiting"}],
        EN,
        now=NOON,
    )
    assert f"never          {local(YESTERDAY)}  waiting" in expected


def test_status_says_since_when_and_how_often_the_tunnel_started() -> None:
    reach = ReachabilityState(reach=Reachability.BLIND, since=YESTERDAY, why="The tunnel is down.")
    running = InstanceStatus(
        mode="tray",
        pid=1,
        http_parser="c",
        listener=ListenerState(host="127.0.0.1", port=8765, open=True),
        reach=reach,
        tunnel=TunnelState(kind="ssh", phase=Phase.WAITING, restarts=2, why="ssh has ended."),
    )
    lines = status_text(running).splitlines()
    assert lines[1:5] == [
        f"reach           blind: nothing gets in, since {local(YESTERDAY)}",
        "                The tunnel is down.",
        "tunnel          ssh: waiting, started again 2 times",
        "                ssh has ended.",
    ]
    assert "last callback   never" in lines
    assert "alerts          0 (0 deliveries, 0 unrecognised)" in lines
    assert "backups         no backup yet" in lines


def test_a_label_in_chinese_leaves_its_text_in_the_column() -> None:
    state = status(settings=Settings(), problems=("port",), totals=NO_TOTALS, running=None, data_dir="/data")
    chinese = list(status_lines(state | NOTHING_KEPT, Language.ZH, now=NOON))
    assert [place(line, text) for text in ("http://", "/data") for line in chinese if text in line] == [16, 16]
