"""Checks packaging/trayalert.service, most of it with systemd's own parser."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from trayalert.app.platform.places import find_places

UNIT = Path(__file__).parent.parent.parent / "packaging" / "trayalert.service"


def complaints(unit: str, folder: Path) -> str:
    """Return the complaints of `systemd-analyze verify` about a user unit, or an empty string if there are none."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.fail("this test needs the Debian package systemd", pytrace=False)
    program = folder / ".local" / "bin" / "trayalert"
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    path = folder / "trayalert.service"
    path.write_text(unit)
    done = subprocess.run(
        [analyze, "--user", "verify", path],
        env={**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr + ("" if done.returncode == 0 else f"status {done.returncode}")


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path: Path) -> None:
    assert complaints(UNIT.read_text(), tmp_path) == ""


@pytest.mark.parametrize(
    ("right", "wrong", "complaint"),
    [
        ("Restart=always", "Restart=sometimes", "Failed to parse service restart specifier"),
        ("ProtectSystem=strict", "ProtectSystm=strict", "ProtectSystm"),
        ("@system-service", "@sistem-service", "Unknown system call group"),
        (".local/bin/trayalert serve", ".local/bin/nothing serve", "is not executable"),
    ],
)
def test_it_would_find_what_is_wrong(tmp_path: Path, right: str, wrong: str, complaint: str) -> None:
    """The negative control for the test above."""
    unit = UNIT.read_text()
    assert right in unit
    assert complaint in complaints(unit.replace(right, wrong), tmp_path)


def test_it_is_started_again_whatever_ends_it_and_never_given_up() -> None:
    lines = UNIT.read_text().splitlines()
    assert {"Restart=always", "StartLimitIntervalSec=0", "ExecStart=%h/.local/bin/trayalert serve"} <= set(lines)


def test_what_it_may_write_is_where_the_program_keeps_its_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    written = next(line for line in UNIT.read_text().splitlines() if line.startswith("ReadWritePaths="))
    assert f"{find_places(None).data_dir}".replace(str(tmp_path), "%h") in written.partition("=")[2].split()
