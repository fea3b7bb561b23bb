"""The admin's own commands: how placeholders are filled, and that no attacker can make a command do anything else."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.incident.test_console_link import HOSTILE
from tests.domain.incident.test_console_link import alert as plain_alert
from trayalert.domain.incident.alert import Alert
from trayalert.domain.settings.custom_command import MOST_COMMANDS, CustomCommand, FilledCommand, fill_command
from trayalert.domain.settings.settings import Settings, parse_settings

SSH = CustomCommand("SSH", ("x-terminal-emulator", "-e", "ssh", "root@{address}"))
ALL = CustomCommand("All", ("x", "{address}", "{id}", "{name}", "{region}", "{account}", "{namespace}"))
SHELL_SIGNS = set(" \t\n\r\0;&|<>$`\\\"'(){}[]*?!~#%^=,@/")


def alert(**more: Any) -> Alert:
    values: dict[str, Any] = {
        "address": "10.0.0.14",
        "resource_id": "i-bp1",
        "resource_name": "web-01",
        "account_id": "1900000000000010",
    }
    return replace(plain_alert("acs_ecs", "cn-hangzhou"), **(values | more))


def test_nothing_is_offered_until_it_is_configured() -> None:
    assert Settings().commands == ()


def test_a_command_is_read_and_filled() -> None:
    settings, problems = parse_settings(
        '[commands]\n"SSH" = ["x-terminal-emulator", "-e", "ssh", "root@{address}"]\n'
        '"Ping it" = ["ping", "-c", "3", "{address}"]'
    )
    assert problems == ()
    assert [command.name for command in settings.commands] == ["SSH", "Ping it"]
    assert settings.commands[0] == SSH
    assert fill_command(SSH, alert()) == FilledCommand("SSH", ("x-terminal-emulator", "-e", "ssh", "root@10.0.0.14"))
    assert fill_command(ALL, alert()).arguments == (
        "x", "10.0.0.14", "i-bp1", "web-01", "cn-hangzhou", "1900000000000010", "acs_ecs",
    )  # fmt: skip


def test_what_is_needed_and_missing_is_said() -> None:
    assert fill_command(SSH, alert(address=None)) == FilledCommand("SSH", problem="no address is known")
    assert fill_command(CustomCommand("c", ("x", "{id}")), alert(resource_id=None)).problem == "no ID is known"
    assert fill_command(CustomCommand("c", ("x", "{region}")), alert(region=None)).problem == "no region is known"
    assert fill_command(CustomCommand("c", ("x", "{region}")), alert(region=None), default_region="cn-a").arguments == (
        "x",
        "cn-a",
    )


@pytest.mark.parametrize(
    "address",
    [
        "-oProxyCommand=x", "10.0.0.1;reboot", "10.0.0.1 -o x", "example.com", "fe80::1%eth0", "fe80::1",
        "2001:db8::1%;x",
        "0.0.0.0", "127.0.0.1", "::1", "::ffff:127.0.0.1", "::", "169.254.1.1", "224.0.0.1", "010.0.0.1", "10.0.0.1/8",
        "10.0.0.1\n", "１０.0.0.1", "https://10.0.0.1", "0x7f.1", "2130706433", "10.1",
    ],
)  # fmt: skip
def test_only_the_address_of_another_computer_is_passed_on(address: str) -> None:
    found = fill_command(SSH, alert(address=address))
    assert found == FilledCommand("SSH", problem="its address cannot be passed on")


@pytest.mark.parametrize(("address", "passed"), [("2001:DB8::0:1", "2001:db8::1"), ("::ffff:10.0.0.1", "10.0.0.1")])
def test_an_address_is_written_as_ever(address: str, passed: str) -> None:
    assert fill_command(SSH, alert(address=address)).arguments[-1] == f"root@{passed}"


SHELLS = ["$(reboot)", "`x`", "-rf", "--help", "a;b", "a|b", "a b", "~", "_x", "%PATH%"]
texts = st.text(max_size=20) | st.sampled_from([*HOSTILE, *SHELLS])


@given(
    values=st.fixed_dictionaries(
        dict.fromkeys(("address", "resource_id", "resource_name", "region", "account_id", "namespace"), texts)
    )
)
def test_no_stranger_writes_an_option_or_what_a_shell_would_run(values: dict[str, str]) -> None:
    for argument in ALL.arguments[1:]:
        found = fill_command(CustomCommand("c", ("x", argument)), alert(**values))
        assert bool(found.problem) != bool(found.arguments)
        for value in found.arguments[1:]:
            assert value.isprintable()
            assert value[0].isalnum() or value.startswith("::")
            assert not SHELL_SIGNS & set(value)


def problem(line: str) -> str:
    settings, problems = parse_settings(f"[commands]\n{line}\n")
    assert settings == Settings()
    (sentence,) = problems
    assert sentence.endswith("; it is left out.")
    assert sentence.isprintable()
    return sentence


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('SSH = "ssh root@{address}"', 'commands."SSH": must be a list of texts'),
        ("SSH = 1", "must be a list of texts"),
        ('SSH = ["ssh", 1]', "must be a list of texts"),
        ('SSH = { a = "b" }', "must be a list of texts"),
        ("SSH = []", "must begin with a program"),
        ('SSH = [" "]', "must begin with a program"),
        ('SSH = ["ssh", "{adress}"]', "{adress} is no placeholder (is {address} meant?)"),
        ('SSH = ["ssh", "{zzz}"]', "(there are {address}, {id}, {name}, "),
        ('SSH = ["{name}", "x"]', "no placeholder in the program's name"),
        ('SSH = ["/opt/{id}/run"]', "no placeholder in the program's name"),
        ('SSH = ["sh", "-c", "ping {address}"]', "no placeholder in what sh runs as a script"),
        ('SSH = ["/bin/bash", "-lc", "ping {address}"]', "what bash runs"),
        ('SSH = ["zsh", "-c", "-x", "ping {address}"]', "what zsh runs"),
        ('SSH = ["fish", "--command=ping {address}"]', "what fish runs"),
        ('SSH = ["fish", "--command", "ping {address}"]', "what fish runs"),
        ('SSH = ["xterm", "-e", "sh", "-c", "ping {address}"]', "what sh runs"),
        ('SSH = ["env", "A=b", "dash", "-ec", "{id}"]', "what dash runs"),
        ('SSH = ["ksh", "-c", "{id}"]', "what ksh runs"),
        ('SSH = ["cmd.exe", "/c", "ping", "{address}"]', "what cmd runs"),
        ('SSH = ["C:\\\\Windows\\\\cmd.exe", "/s", "/K", "{address}"]', "what cmd runs"),
        ('SSH = ["powershell", "-Command", "ping {address}"]', "what powershell runs"),
        ('SSH = ["pwsh", "ping {address}"]', "what pwsh runs"),
        ('SSH = ["ssh", "a\\nb"]', "no control character"),
        ('SSH = ["ssh\\u0000"]', "no control character"),
        (f'SSH = ["ssh", "{"x" * 2000}"]', "at most 64 texts of 1000 characters"),
        ("SSH = [" + ", ".join(['"x"'] * 65) + "]", "at most 64 texts"),
        (f'"{"n" * 41}" = ["x"]', "a line of 1 to 40 characters"),
        ('" " = ["x"]', "a line of 1 to 40 characters"),
        ('"a\\nb" = ["x"]', "a line of 1 to 40 characters"),
    ],
)
def test_a_wrong_command_is_told_with_its_problem(line: str, words: str) -> None:
    assert words in problem(line)


@pytest.mark.parametrize(
    "line",
    [
        'a = ["sh", "-c", "ping \\"$1\\"", "sh", "{address}"]',
        'a = ["sh", "/opt/look", "{id}"]',
        'a = ["powershell", "-File", "look.ps1", "{id}"]',
        'a = ["ping", "-c", "3", "{address}"]',
        'a = ["awk", "{ print $1 }", "/var/log/{id}"]',
    ],
)
def test_what_no_shell_reads_as_a_script_is_taken(line: str) -> None:
    settings, problems = parse_settings(f"[commands]\n{line}")
    assert problems == ()
    assert len(settings.commands) == 1


def test_there_are_only_so_many() -> None:
    lines = "\n".join(f'c{number} = ["x"]' for number in range(MOST_COMMANDS + 2))
    settings, problems = parse_settings(f"[commands]\n{lines}")
    assert len(settings.commands) == MOST_COMMANDS
    assert len(problems) == 2
