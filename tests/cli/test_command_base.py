"""What all commands have in common: the data dir, exit statuses, output and imports."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.program import DEADLINE, environment, run
from tests.storage.making import append, store


def test_the_data_dir_may_stand_before_or_after_the_command_or_in_the_environment(data_dir: Path) -> None:
    runs = [
        run("--data-dir", data_dir, "alerts", "--json"),
        run("alerts", "--data-dir", data_dir, "--json"),
        run("alerts", "--json", TRAYALERT_DATA_DIR=str(data_dir)),
        run("alerts", "--json", "--data-dir", data_dir, TRAYALERT_DATA_DIR="/no/such/folder"),
    ]

    assert [len(done.lines) for done in runs] == [3] * 4


def test_without_one_the_places_of_the_platform_are_taken(tmp_path: Path) -> None:
    places: Any = {"HOME": str(tmp_path), "XDG_DATA_HOME": None, "XDG_CONFIG_HOME": None}
    (tmp_path / ".config" / "trayalert").mkdir(parents=True)
    (tmp_path / ".config" / "trayalert" / "settings.toml").write_text("port = 4711")
    (state,) = run("status", "--json", **places).objects

    assert (state["data_dir"], state["port"]) == (f"{tmp_path}/.local/share/trayalert", 4711)
    assert run("url", **places).out.startswith("http://127.0.0.1:4711/hook/")
    assert (tmp_path / ".local" / "share" / "trayalert" / "secrets.json").exists()


def test_a_data_dir_whose_name_is_no_text_is_fine(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))

    assert run("url", data_dir=folder).status == 0
    assert run("status", "--json", data_dir=folder).objects[0]["data_dir"] == str(folder)


@pytest.mark.parametrize(
    "command", ["alerts --json", "alerts", "incidents", "export --format json", "export --format csv"]
)
def test_a_reader_that_has_seen_enough_is_no_trouble(tmp_path: Path, command: str) -> None:
    names = {"alertName": "x" * 40_000}
    store(tmp_path / "trayalert.db", *(append(f"i-{number}", **names) for number in range(5)))
    done = subprocess.run(
        f'set -o pipefail; "$PYTHON" -m trayalert {command} --data-dir "$FOLDER" | head -c 1',
        shell=True,
        executable="/bin/bash",
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        env=environment(PYTHON=sys.executable, FOLDER=str(tmp_path)),
        check=False,
    )

    assert (len(done.stdout), done.stderr, done.returncode) == (1, "", 0)


@pytest.mark.parametrize(
    "command", [["alerts", "--json"], ["status"], ["export", "--format", "csv"], ["send", "--list"]]
)
def test_a_full_disk_under_stdout_is_one_sentence(data_dir: Path, command: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "trayalert", *command, "--data-dir", data_dir],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE,
            check=False,
        )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("trayalert: ")
    assert "No space left on device" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["alerts", "--limit", "-1"],
        ["--port", "5", "status"],
        ["serve", "--port", "65536"],
        ["status", "x"],
    ],
)
def test_wrong_use_is_2_and_says_how_to_go_on(arguments: list[str]) -> None:
    done = run(*arguments)

    assert (done.status, done.out) == (2, "")
    assert "--help" in done.err


def test_the_version_is_told() -> None:
    assert run("--version").out.startswith("trayalert 0.")


@pytest.mark.parametrize(
    "command",
    ["status", "alerts", "incidents", "resolve 2", "url", "export --format csv", "send", "help proof"],
)
def test_a_command_imports_neither_qt_nor_the_http_server(data_dir: Path, command: str) -> None:
    """Scripts call these commands often, and each command takes a tenth of a second without these imports."""
    code = (
        "import sys, json, trayalert.cli as c\n"
        "try: c.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *command.split(), "--data-dir", data_dir],
        capture_output=True,
        timeout=DEADLINE,
        check=True,
    )

    loaded = {name.partition(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}
    assert not loaded & {"PySide6", "shiboken6", "qasync", "aiohttp", "dbus_fast", "rich"}
