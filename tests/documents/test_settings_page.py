"""The pages about settings name each setting, key and placeholder that the program takes, and nothing else."""

import json
import re
from dataclasses import fields

import pytest

from tests.documents.markdown import Row, codes_of, fences, page, row_of, table
from trayalert.domain.incident.console_link import PLACEHOLDERS, Site
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.custom_command import read_commands
from trayalert.domain.settings.custom_links import read_console_links
from trayalert.domain.settings.expected_callback import ExpectedCallback, expected_problem, read_expected
from trayalert.domain.settings.settings import LANGUAGES, OVERLAY_MODES, Settings, parse_settings
from trayalert.domain.settings.tunnel_presets import PRESETS
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.domain.tunnel import Tunnel

SETTINGS, CONNECTION = page("settings"), page("connection")
ROWS = table(SETTINGS, "Settings and their defaults")
SCALARS = {row[0].codes[0]: row for row in ROWS if not row[0].codes[0].startswith("[")}
WORDS: dict[str, tuple[object, ...]] = {
    "site": tuple(Site),
    "language": LANGUAGES,
    "strip": OVERLAY_MODES,
    "only_cloud_monitor": (True, False),
}
RANGES = {name: row for name, row in SCALARS.items() if re.search(r"\d to \d", row[1].text)}


def is_accepted(name: str, value: object) -> bool:
    return not parse_settings(f"{name} = {json.dumps(value)}")[1]


def placeholders_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def text_after(heading: str) -> str:
    """Return the sentence that begins with "Placeholders:" under a heading."""
    _, _, rest = SETTINGS.read_text(encoding="utf-8").partition(f"## {heading}\n")
    return rest.partition("Placeholders:")[2].partition(". ")[0]


def test_the_page_names_every_setting_and_no_other() -> None:
    documented = [code.strip("[]") for code in codes_of(ROWS)]

    assert sorted(documented) == sorted(each.name for each in fields(Settings))


@pytest.mark.parametrize("name", SCALARS)
def test_the_default_on_the_page_is_the_default(name: str) -> None:
    row = SCALARS[name]
    default = getattr(Settings(), name)
    if row[1].text.startswith("none;"):
        assert default is None
        return
    found, problems = parse_settings(f"{name} = {row[1].codes[0]}")

    assert not problems
    assert getattr(found, name) == default


@pytest.mark.parametrize("name", WORDS)
def test_the_words_on_the_page_are_those_that_are_accepted(name: str) -> None:
    assert sorted(SCALARS[name][1].codes) == sorted(json.dumps(value) for value in WORDS[name])
    assert all(is_accepted(name, value) for value in WORDS[name])


@pytest.mark.parametrize("name", RANGES)
def test_the_range_on_the_page_is_the_one_that_is_accepted(name: str) -> None:
    text = RANGES[name][1].text
    lowest, highest = (int(number) for number in re.findall(r"(\d+) to (\d+)", text)[0])
    extra = {0} if "; 0, or" in text else set()

    assert all(is_accepted(name, value) for value in {lowest, highest} | extra)
    assert not [value for value in {lowest - 1, highest + 1} - extra if is_accepted(name, value)]


def test_each_setting_with_numbers_or_words_has_them_on_the_page() -> None:
    numbers = {each.name for each in fields(Settings) if each.type in {"int", int} or each.name == "metrics_port"}

    assert numbers == set(RANGES)
    assert {name for name, row in SCALARS.items() if len(row[1].codes) > 1} == set(WORDS)


def test_the_keys_of_expected_callbacks_are_all_there() -> None:
    rows = table(SETTINGS, "Expected callbacks")

    assert sorted(codes_of(rows)) == sorted(each.name for each in fields(ExpectedCallback))
    levels = row_of(rows, "level")[1]
    entry = {"name": "x", "hours": 1, "rule": "x"}
    accepted = [level for level in Level if not expected_problem(entry | {"level": level})]
    assert sorted(levels.codes) == sorted(f'"{level}"' for level in accepted)
    ((found,), _) = read_expected([entry])
    assert f'"{found.level}"` (the default)' in levels.text


def test_the_placeholders_on_the_pages_are_those_that_are_filled() -> None:
    assert placeholders_in(text_after("Console pages of your own")) == set(PLACEHOLDERS)
    named = placeholders_in(text_after("Programs of your own"))
    _, (problem,) = read_commands({"x": ["program", "{nothing}"]})
    assert named == placeholders_in(problem) - {"nothing"}
    _, (problem,) = read_tunnel({"kind": "command", "command": ["program", "{nothing}"]})
    keys = table(CONNECTION, "Tunnels", number=1)
    assert placeholders_in(row_of(keys, "command")[2].text) == placeholders_in(problem) - {"nothing"}


def test_the_page_names_every_kind_of_tunnel() -> None:
    assert codes_of(table(CONNECTION, "Tunnels")) == list(PRESETS)


def kinds_of(row: Row) -> set[str]:
    """Return the kinds that a row of the table of keys names."""
    if row[1].text.startswith("all"):
        return set(PRESETS) - set(row[1].codes)
    return set(row[1].codes)


def test_each_key_of_a_tunnel_stands_beside_the_kinds_that_take_it() -> None:
    documented = {row[0].codes[0]: kinds_of(row) for row in table(CONNECTION, "Tunnels", number=1)}
    names = [each.name for each in fields(Tunnel) if each.name != "kind"]
    accepted = {
        name: {kind for kind in PRESETS if "is no setting" not in " ".join(read_tunnel({"kind": kind, name: None})[1])}
        for name in names
    }

    assert documented == accepted
    variables = row_of(table(CONNECTION, "Tunnels", number=1), "token_variable")[2].codes
    assert set(variables) - {"command"} == {preset.token_variable for preset in PRESETS.values()} - {None}


@pytest.mark.parametrize("block", [*fences(SETTINGS, "toml"), *fences(CONNECTION, "toml")])
def test_the_examples_are_accepted_as_they_are(block: str) -> None:
    found, problems = parse_settings(block)

    assert not problems
    assert found != Settings()


def test_a_wrong_example_would_be_found() -> None:
    assert read_console_links({"acs_ecs": "http://example.com/{id}"})[1]
    assert parse_settings('public_url = "https://alerts.example.com"\nstrip = "sometimes"')[1]
