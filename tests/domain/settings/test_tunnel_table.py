"""The tunnel programs that trayalert knows, and the table `[tunnel]` of the settings."""

import re
from typing import Any

import pytest

from trayalert.domain.listener_state import ListenerAddress
from trayalert.domain.settings.settings import parse_settings
from trayalert.domain.settings.tunnel_presets import PRESETS, find_failure, program_of, url_pattern_of
from trayalert.domain.settings.tunnel_table import read_tunnel
from trayalert.domain.tunnel import Tunnel

LISTENER = ListenerAddress(host="0.0.0.0", port=8765, tls=False).local
TLS_LISTENER = ListenerAddress(host="::", port=8765, tls=True).local

SSH = {"kind": "ssh", "host": "user@alerts.example.com", "remote_port": 8080}
COMMAND = {"kind": "command", "command": ["bore", "local", "{port}"]}
COMPLETE: list[dict[str, Any]] = [
    {"kind": "cloudflared", "name": "alerts"},
    {"kind": "cloudflared", "token_file": "/etc/token"},
    {"kind": "cloudflared-quick"},
    {"kind": "ngrok", "token_file": "~/token"},
    {"kind": "frpc", "config": "/etc/frpc.toml"},
    SSH,
    {"kind": "tailscale"},
    COMMAND,
]


def tunnel(table: dict[str, Any]) -> Tunnel:
    found, problems = read_tunnel(table)
    assert found is not None
    assert problems == ()
    return found


def arguments(table: dict[str, Any], listener: Any = LISTENER) -> str:
    found = tunnel(table)
    return " ".join([program_of(found), *PRESETS[found.kind].arguments(found, listener)])


@pytest.mark.parametrize("table", COMPLETE, ids=lambda table: table["kind"])
def test_each_kind_needs_no_more_than_this(table: dict[str, Any]) -> None:
    assert tunnel(table).kind == table["kind"]
    assert {one["kind"] for one in COMPLETE} == set(PRESETS)


@pytest.mark.parametrize(
    ("table", "started"),
    [
        (COMPLETE[0], "cloudflared tunnel --no-autoupdate run --url http://127.0.0.1:8765 alerts"),
        (COMPLETE[1], "cloudflared tunnel --no-autoupdate run"),
        (COMPLETE[2], "cloudflared tunnel --no-autoupdate --url http://127.0.0.1:8765"),
        (COMPLETE[3], "ngrok http --log=stdout --log-format=logfmt http://127.0.0.1:8765"),
        (COMPLETE[4], "frpc -c /etc/frpc.toml"),
        (COMPLETE[6], "tailscale funnel --yes http://127.0.0.1:8765"),
        (COMMAND, "bore local 8765"),
        ({**COMMAND, "command": ["x", "{host}={address}"]}, "x 127.0.0.1=127.0.0.1:8765"),
        ({"kind": "ngrok", "arguments": ["--url", "a.example.com"], "program": "/opt/ngrok"},
         "/opt/ngrok http --log=stdout --log-format=logfmt --url a.example.com http://127.0.0.1:8765"),
    ],
)  # fmt: skip
def test_programs_are_led_to_the_door(table: dict[str, Any], started: str) -> None:
    assert arguments(table) == started


@pytest.mark.parametrize(
    ("table", "part"),
    [
        (COMPLETE[0], "--url https://[::1]:8765 --no-tls-verify alerts"),
        (COMPLETE[3], " https://[::1]:8765"),
        (COMPLETE[6], " https+insecure://[::1]:8765"),
        (SSH, "-R localhost:8080:[::1]:8765 -- user@alerts.example.com"),
    ],
)
def test_a_door_with_tls_is_led_to_as_one(table: dict[str, Any], part: str) -> None:
    assert part in arguments(table, TLS_LISTENER)


def test_ssh_asks_nobody_notices_a_dead_line_and_shares_no_connection() -> None:
    table = {
        **SSH,
        "ssh_port": 2222,
        "identity": "/k",
        "remote_host": "::",
        "arguments": ["-o", "ServerAliveInterval=9"],
    }
    started = arguments(table)
    for option in ("BatchMode=yes", "ExitOnForwardFailure=yes", "ServerAliveCountMax=2", "ControlPath=none"):
        assert f"-o {option}" in started
    assert "StrictHostKeyChecking" not in started
    assert "-p 2222 -i /k -o IdentitiesOnly=yes -R [::]:8080:127.0.0.1:8765 --" in started
    # ssh uses the first value of an option
    assert started.index("ServerAliveInterval=9") < started.index("ServerAliveInterval=5")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ("ssh", 'tunnel: must be one table [tunnel] with kind = "ssh" or another; no tunnel is started.'),
        ([{"kind": "ngrok", "token": "2abc"}], 'tunnel: must be one table [tunnel] with kind = "ssh" or another; no'),
        ({}, 'tunnel.kind is missing: must be one of "cloudflared", '),
        ({"kind": "ngork"}, "(is ngrok meant?); no tunnel is started."),
        ({"kind": "cloudflared"}, "tunnel: name the tunnel (name), or the file with its token (token_file); no tunnel"),
        ({"kind": "frpc"}, "tunnel: name frpc's file (config); no"),
        ({"kind": "ssh", "remote_port": 1}, "tunnel: name the server (host), such as"),
        ({"kind": "ssh", "host": "a"}, "tunnel: name the port on the server that leads here (remote_port);"),
        ({"kind": "command"}, "tunnel: name the program and its arguments (command), such as"),
        ({**COMMAND, "token_file": "/t"}, "tunnel: say which variable the program reads its token from"),
        ({**SSH, "host": "-oProxyCommand=x"}, "tunnel.host: must be a server as ssh takes it"),
        ({**SSH, "remote_port": True}, "tunnel.remote_port: must be a whole number from 1 to 65535; no"),
        ({**SSH, "remote_host": "a b"}, "tunnel.remote_host: must be an address of the server"),
        ({**COMMAND, "command": []}, "tunnel.command: must begin with a program"),
        ({**COMMAND, "command": ["{host}"]}, "tunnel.command: must begin with a program, with no placeholder in it"),
        ({**COMMAND, "command": ["a", "{prt}"]}, "tunnel.command: {prt} is no placeholder (is {port} meant?)"),
        ({**COMMAND, "command": "bore local"}, "tunnel.command: must be a list of texts"),
        ({**COMMAND, "environment": {"A-B": "c"}}, "tunnel.environment: must be a table of names and texts"),
        ({**COMMAND, "url_pattern": "(a"}, "tunnel.url_pattern: is no regular expression"),
        ({**COMMAND, "url_pattern": "x*"}, "tunnel.url_pattern: must not fit a line with nothing in it"),
    ],
)  # fmt: skip
def test_what_is_wrong_starts_no_tunnel_and_is_told(table: Any, sentence: str) -> None:
    found, problems = read_tunnel(table)
    assert found is None
    assert len(problems) == 1
    assert sentence in problems[0]
    assert problems[0].endswith(".")


def test_a_key_that_the_kind_has_not_is_told_and_the_rest_is_used() -> None:
    found, problems = read_tunnel({**SSH, "remote_prt": 1, "token_file": "/x"})
    assert found is not None
    assert problems == (
        'tunnel.remote_prt is no setting of a tunnel of kind "ssh"; is remote_port meant?',
        'tunnel.token_file is no setting of a tunnel of kind "ssh".',
    )


@pytest.mark.parametrize(
    "secret",
    ["--token", "--token=abc", "--authtoken", "-authtoken=x", "token=x", "--client-secret", "http://u:p4ss@h",
     "--api-key=1",     "Authorization: Bearer x", "eyJhIjoiYiJ9"],
)  # fmt: skip
def test_no_secret_is_taken_as_an_argument_nor_repeated(secret: str) -> None:
    for table in ({"kind": "ngrok", "arguments": [secret]}, {**COMMAND, "command": ["bore", secret]}):
        found, problems = read_tunnel(table)
        assert found is None
        assert "every user of this computer can read a program's arguments" in problems[0]
        assert "p4ss" not in problems[0]


def test_a_file_with_a_token_may_be_an_argument() -> None:
    assert tunnel({"kind": "cloudflared", "name": "x", "arguments": ["--token-file", "/etc/token"]})


@pytest.mark.parametrize("slow", ["(a+)+b", "(a|a)*b", "(?:x*){2,}y", r"(x+)\1", "(?P<a>x)(?P=a)", r"\S*x\S*y\S*z\S*q"])
def test_a_pattern_that_could_take_for_ever_is_refused(slow: str) -> None:
    found, problems = read_tunnel({**COMMAND, "url_pattern": slow})
    assert found is None
    assert problems[0].endswith("it could take for ever; no tunnel is started.")


@pytest.mark.parametrize(
    "sound",
    [r"https://[a-z0-9-]+\.bore\.example\.com", r"url: (https?://\S+)", r"listening at (https://[^)*+\]]+)(?::[0-9]+)?",
     r"(?:https|http)://x\(\)*"],
)  # fmt: skip
def test_a_usual_pattern_is_taken(sound: str) -> None:
    assert url_pattern_of(tunnel({**COMMAND, "url_pattern": sound})) == re.compile(sound)


@pytest.mark.parametrize("table", COMPLETE, ids=lambda table: table["kind"])
def test_only_where_nothing_tells_the_address_is_public_url_asked_for(table: dict[str, Any]) -> None:
    text = "[tunnel]\n" + "".join(f"{name} = {str(value)!r}\n" for name, value in table.items() if name != "command")
    text = text.replace("'8080'", "8080") + ('command = ["bore"]\n' if table is COMMAND else "")
    settings, problems = parse_settings(text)
    assert settings.tunnel is not None
    fixed = table["kind"] in {"cloudflared", "frpc", "ssh", "command"}
    assert len(problems) == fixed
    assert all("set public_url" in problem for problem in problems)
    assert parse_settings('public_url = "https://a.example.com"\n' + text)[1] == ()


STARTED = (
    't=2026-08-10T07:20:40+0000 lvl=info msg="started tunnel" obj=tunnels name=command_line addr=http://localhost:8501'
    " url=https://some-words.ngrok-free.app"
)
QUICK = "https://some-quick-words.trycloudflare.com"
FOUND = [
    ("cloudflared-quick", f"INF |  {QUICK}  |", QUICK),
    ("cloudflared-quick", 'Post "https://api.trycloudflare.com/tunnel": dial tcp', None),
    ("ngrok", STARTED, "https://some-words.ngrok-free.app"),
    ("ngrok", 'lvl=info msg="starting web service" obj=web addr=http://127.0.0.1:4040', None),
    ("tailscale", "https://desk.tail1234.ts.net/", "https://desk.tail1234.ts.net"),
    ("tailscale", "https://login.tailscale.com/f/funnel?node=abc", None),
]


@pytest.mark.parametrize(("kind", "line", "address"), FOUND)
def test_addresses_are_found_where_the_programs_print_them(kind: str, line: str, address: str | None) -> None:
    pattern = PRESETS[kind].url_pattern
    assert pattern is not None
    match = pattern.search(line)
    assert (match and (match[1] if match.groups() else match[0])) == address


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            "cloudflared",
            "2026-01-01T00:00:00Z INF Registered tunnel connection connIndex=0 connection=x ip=198.51.100.1",
        ),
        ("frpc", "2026-01-01 00:00:00.000 [I] [client/control.go:165] [x] [alerts] start proxy success"),
        ("ssh", 'Authenticated to 127.0.0.1 ([127.0.0.1]:22) using "publickey".'),
    ],
)
def test_readiness_is_told_by_what_the_programs_print(kind: str, line: str) -> None:
    ready = PRESETS[kind].ready
    assert ready is not None
    assert ready.search(line)


@pytest.mark.parametrize(
    ("kind", "line", "message"),
    [
        ("cloudflared", "Provided Tunnel token is not valid.", "does not know the token"),
        (
            "cloudflared",
            'ERR Register tunnel error from server side error="Unauthorized: Tunnel not found"',
            "turns the",
        ),
        ("cloudflared-quick", "status code 429 Too Many Requests, error code: 1015", "too many requests"),
        ("cloudflared", "ERR Failed to dial a quic connection", "port 7844"),
        ("ngrok", "ERROR:  authentication failed: ... ERR_NGROK_105", "does not know the authtoken"),
        ("ngrok", "ERR_NGROK_4018", "needs an account"),
        ("ngrok", "ERR_NGROK_108", "another ngrok"),
        ("frpc", "login to the server failed: token in login doesn't match token", "know the token"),
        ("frpc", "[alerts] start error: port already used", "in use already"),
        ("frpc", "dial tcp 198.51.100.1:7000: connect: connection refused", "frps is not"),
        ("ssh", "ssh: Could not resolve hostname nowhere: Name or service not known", "cannot be looked up"),
        ("ssh", "ssh: connect to host x port 22: Connection timed out", "does not answer"),
        ("tailscale", "Access denied: serve config denied", "--operator"),
        ("tailscale", "Funnel is not enabled on your tailnet.", "not switched on"),
    ],
)
def test_failures_are_told_in_sentences(kind: str, line: str, message: str) -> None:
    failure = find_failure(Tunnel(kind=kind, host="user@h", remote_port=1), line)
    assert failure is not None
    assert message in failure[1]


def test_what_says_nothing_of_a_failure_is_not_taken_for_one() -> None:
    assert find_failure(Tunnel(kind="ssh"), "Transferred: sent 2000, received 2000 bytes, in 1.0 seconds") is None


def test_of_a_changed_host_key_the_change_tells_more_than_the_failure() -> None:
    changed = find_failure(Tunnel(kind="ssh"), "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @")
    failed = find_failure(Tunnel(kind="ssh"), "Host key verification failed.")
    assert changed is not None
    assert failed is not None
    assert changed < failed


def test_every_preset_says_what_a_person_needs() -> None:
    for kind, preset in PRESETS.items():
        assert preset.title, kind
        assert preset.note, kind
        assert preset.install_hint.endswith("."), kind
        assert not any(sentence.endswith(".") for _, sentence in preset.failures), kind
    assert PRESETS["cloudflared-quick"].note == "for tests: the URL changes at each start"
