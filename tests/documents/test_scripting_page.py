"""The page for scripts names each command, option, key, column, value, status and metric, and nothing else.

The keys are those of a running program. The log was damaged before the start of the program, so that a salvage is
reported.
"""

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import click
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.documents.markdown import codes_of, page, row_of, table, text_under
from tests.program import serving, wait_for
from trayalert import __version__
from trayalert.app.diagnostics.doctor.doctor import CHECKS
from trayalert.app.metrics import LogMeasurements, Measurements, prometheus_text
from trayalert.callbacks.kinds import KINDS
from trayalert.cli import main
from trayalert.domain.check_result import Verdict
from trayalert.domain.events import UrlChanged
from trayalert.domain.gap import Gap, GapCause
from trayalert.domain.incident.alert import SILENCE, UNRECOGNISED, State
from trayalert.domain.incident.console_link import Site
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import Totals
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.settings.settings import Settings
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.domain.wording.language import Language, ending_text
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.limits import DEFAULT_LIMITS, LARGEST_SMALL_BODY
from trayalert.listener.refusals import BROKEN_BODY, NOT_STORED, invalid_http, too_large, too_much, too_slow
from trayalert.services.access.source_address import SenderOrigin
from trayalert.services.presentation.export import COLUMNS
from trayalert.services.presentation.json_records import gap_record
from trayalert.services.presentation.link_table import link_table

SCRIPTING = page("scripting")
SYNOPSES = [row[0].codes[0] for row in table(SCRIPTING, "Commands")]


def click_commands(command: click.Command, path: str, context: click.Context) -> Iterator[tuple[str, click.Command]]:
    """Yield each command that is not hidden, with its path."""
    yield path, command
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            if not found.hidden:
                yield from click_commands(found, f"{path} {name}", click.Context(found, parent=context))


CLICK_COMMANDS = dict(click_commands(main, "trayalert", click.Context(main)))


def path_of(synopsis: str) -> str:
    """Return the words before the first argument or option."""
    return re.match(r"[a-z ]+[a-z]", synopsis)[0]  # type: ignore[index]


def test_the_page_names_every_command_and_no_other() -> None:
    assert sorted(map(path_of, SYNOPSES)) == sorted(CLICK_COMMANDS)


@pytest.mark.parametrize("synopsis", SYNOPSES)
def test_a_command_has_the_options_arguments_and_defaults_of_the_page(synopsis: str) -> None:
    command = CLICK_COMMANDS[path_of(synopsis)]
    options = [param for param in command.params if isinstance(param, click.Option) and not param.hidden]
    arguments = [param for param in command.params if isinstance(param, click.Argument)]
    context = click.Context(command)
    everywhere = {"--data-dir"}

    assert (
        set(re.findall(r"(?<!\S)\[?(-{1,2}[a-z][a-z-]*)", synopsis))
        == {name for option in options for name in option.opts} - everywhere
    )
    defaults = dict(re.findall(r"(--[a-z-]+) ([0-9]\w*)", synopsis))
    assert defaults == {
        option.opts[0]: str(option.default)
        for option in options
        if isinstance(option.default, int | str) and not option.is_flag
    }
    for argument in arguments:
        assert argument.make_metavar(context).strip("[]").replace("|", "/") in synopsis
    bare = re.sub(r"--[a-z-]+ [A-Za-z0-9/]+", "", synopsis.removeprefix(path_of(synopsis)))
    assert bool(re.search(r"[A-Z]{2}|on/off", bare)) == bool(arguments)


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """Return the first object that each command printed, by its heading on the page."""
    data_dir = tmp_path_factory.mktemp("data")
    (data_dir / "settings.toml").write_text("""
        public_url = "https://alerts.example.invalid"
        [tunnel]
        kind = "command"
        command = ["sleep", "1000"]
        [[expected]]
        name = "backup"
        hours = 25
        rule = "backup-*"
    """)
    data_dir.chmod(0o700)
    (data_dir / "trayalert.db").write_bytes(b"damaged" * 1000)
    commands = {
        "alert": "alerts --json --raw", "incident": "incidents --json", "expected": "expected --json",
        "secret": "secrets --json", "status": "status --json", "check": "check --json", "doctor": "doctor --json",
        "backup": "restore --list --json", "reparse": "reparse --json", "autostart": "autostart --json",
    }  # fmt: skip
    with serving(data_dir) as program:
        assert program.run("send").status == 0
        assert program.run("backup").status == 0
        wait_for(lambda: program.run("status", "--json").objects[0]["tunnel"])
        found = {heading: program.run(*words.split()).objects[0] for heading, words in commands.items()}
        program.end()  # says on stderr that the log was damaged
    status = found["status"]
    found |= {"door_counts": status["door_counts"], "tunnel": status["tunnel"], "link": found["alert"]["links"][0]}
    found["quarantined"] = found["check"]["quarantine"][0]
    found["salvage"] = found["quarantined"]["salvage"]
    found["check in doctor"] = found["doctor"]["checks"][0]
    found["gap"] = gap_record(Gap(id=1, cause=GapCause.OFF, began_at=0), now=1)
    return found


@pytest.mark.parametrize(
    "heading",
    [
        "alert", "link", "incident", "expected", "secret", "status", "door_counts", "tunnel", "salvage", "check",
        "backup", "reparse", "autostart", "gap",
    ],
)  # fmt: skip
def test_the_keys_of_an_object_are_those_of_the_page(outputs: dict[str, dict[str, Any]], heading: str) -> None:
    assert codes_of(table(SCRIPTING, heading)) == list(outputs[heading])


def test_the_keys_of_smaller_objects_are_those_of_the_page(outputs: dict[str, dict[str, Any]]) -> None:
    assert codes_of(table(SCRIPTING, "doctor")) == list(outputs["check in doctor"])
    assert {"ok", "checks"} == set(outputs["doctor"])
    assert "`ok` (true if no line failed) and `checks`" in text_under(SCRIPTING, "doctor")
    assert list(row_of(table(SCRIPTING, "check"), "quarantine")[1].codes) == list(outputs["quarantined"])
    changed = row_of(table(SCRIPTING, "status"), "url_changed")[1]
    assert list(changed.codes) == [each.name for each in fields(UrlChanged)]


def test_every_command_with_json_has_a_table_of_keys() -> None:
    with_json = {
        path for path, command in CLICK_COMMANDS.items() if any("--json" in each.opts for each in command.params)
    }

    text = SCRIPTING.read_text(encoding="utf-8")
    for path in with_json:
        assert re.search(rf"^`{path}[a-z -]*--json`", text, re.MULTILINE), path


VALUES = {
    ("alert", "kind"): {spec.kind for spec in KINDS} | {SILENCE, UNRECOGNISED},
    ("alert", "state"): set(State),
    ("alert", "level"): set(Level),
    ("alert", "sender_origin"): set(SenderOrigin),
    ("incident", "state"): {"open", "closed"},
    ("incident", "closed_by"): {change for change in Change if ending_text(change, Language.EN) != "closed"},
    ("gap", "cause"): set(GapCause),
    ("status", "front"): {"tray", "serve"},
    ("status", "reach"): set(Reachability),
    ("status", "http_parser"): {"c", "python"},
    ("expected", "state"): {"ok", "silent", "waiting"},
    ("doctor", "verdict"): set(Verdict) - {Verdict.WAIT},  # the setup assistant's alone
}


@pytest.mark.parametrize(("heading", "key"), VALUES)
def test_the_values_of_a_key_are_those_of_the_page(heading: str, key: str) -> None:
    assert set(row_of(table(SCRIPTING, heading), key)[1].codes) == VALUES[heading, key]


def test_the_checks_of_the_doctor_are_those_of_the_page() -> None:
    assert codes_of(table(SCRIPTING, "doctor", number=1)) == [name for name, *_ in CHECKS]


def test_the_phases_of_a_tunnel_are_those_of_the_page() -> None:
    named = set(row_of(table(SCRIPTING, "tunnel"), "phase")[1].codes)

    assert named - {"until"} == set(Phase) - {Phase.OFF}  # without a tunnel the whole object is null


def test_the_pages_and_grades_of_links_are_those_of_the_page() -> None:
    links = table(SCRIPTING, "link")
    templates = [
        template
        for site in Site
        for of_namespace in link_table(Settings(site=site)).templates.values()
        for template in of_namespace
    ]

    assert {template.grade for template in templates} | {"settings", "sender"} == set(row_of(links, "grade")[1].codes)
    assert {template.page for template in templates} <= set(row_of(links, "page")[1].codes)


def test_csv_has_the_columns_that_the_page_promises() -> None:
    keys = codes_of(table(SCRIPTING, "alert"))

    assert "in the same order, without `links` and\n`raw`" in text_under(SCRIPTING, "CSV")
    assert [key for key in keys if key not in {"links", "raw"}] == list(COLUMNS)


def test_the_statuses_and_limits_of_http_are_those_of_the_page() -> None:
    rows = {row[0].text: row[1].text for row in table(SCRIPTING, "HTTP")}
    largest = DEFAULT_LIMITS.largest_body
    refusals = [
        BROKEN_BODY, NOT_STORED, invalid_http(DEFAULT_LIMITS), too_large(largest), too_much("", retry_after=1),
        too_slow(DEFAULT_LIMITS.body_deadline),
    ]  # fmt: skip

    assert set(rows) == {"200", "404", "429"} | {str(refusal.status) for refusal in refusals}
    assert f"{DEFAULT_LIMITS.body_deadline:g} s" in rows["408"]
    assert f"{largest >> 20} MiB" in rows["413"]
    for size in (
        LARGEST_SMALL_BODY >> 10,
        DEFAULT_LIMITS.most_large_held >> 20,
        DEFAULT_LIMITS.most_large_an_hour >> 20,
    ):
        assert re.search(rf"\b{size} [MK]iB", rows["503"])


def test_the_metrics_and_labels_are_those_of_the_page() -> None:
    everything = Measurements(
        mode="serve", uptime=1.0, counts=ListenerCounts(), storing=True,
        log=LogMeasurements({}, Totals(alerts=1, deliveries=1, unrecognised=1, open_incidents=1, last_callback_at=1)),
        reach=ReachabilityState(reach=Reachability.BLIND, since=1, reachable_at=1, probe_ms=1),
        tunnel=TunnelState(phase=Phase.UP),
    )  # fmt: skip
    samples = [
        sample
        for family in text_string_to_metric_families(prometheus_text(everything)[0].decode())
        for sample in family.samples
    ]
    names = {sample.name + (f"{{{','.join(sorted(sample.labels))}}}" if sample.labels else "") for sample in samples}

    assert set(codes_of(table(SCRIPTING, "Metrics"))) == names
    text = text_under(SCRIPTING, "Metrics")
    for label in ("level", "state"):
        values = {sample.labels[label] for sample in samples if label in sample.labels}
        listed = re.search(rf"`{label}` has the\s+values\s+([^;.]*)", text)
        assert listed
        assert set(re.findall(r"`(\w+)`", listed[1])) == values
    build = next(sample for sample in samples if sample.name == "trayalert_build_info")
    assert build.labels == {"version": __version__, "front": "serve"}
