"""`trayalert diagnostics`: what is in the bundle, and what never is."""

import json
import re
import sqlite3
import stat
import zipfile
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.program import post, run, serving
from trayalert.app.diagnostics import masking
from trayalert.app.places import find_places

FORMER = "Zm9ybWVyLXNlY3JldC1vZi1hbi1vbGQtdGltZQ-_A"
"""A secret that is in no file any more, but still in a rule, a crash file or the settings."""
TOLD = "payroll-database-is-burning"


def gathered(data_dir: Path, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "bundle.zip"
    done = run("diagnostics", "-o", path, data_dir=data_dir)
    assert (done.status, done.err) == (0, "")
    assert str(path) in done.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def salt(data_dir: Path, *secrets: str) -> None:
    """Put secrets where they do not belong."""
    data_dir.mkdir(exist_ok=True)
    words = "\n".join(f'# http://127.0.0.1/hook/{secret}/ and {secret} and %41{secret}"' for secret in secrets)
    (data_dir / "settings.toml").write_text(f"{words}\nport = 0\n")
    (data_dir / "crashes").mkdir(exist_ok=True)
    (data_dir / "crashes" / "crash-20261123T031200Z.txt").write_text(f"RuntimeError\n{words}")
    with (data_dir / "access.log").open("a") as log:
        log.write(f"a line\n{words}\n")


def secrets_of(data_dir: Path) -> list[str]:
    return [secret["value"] for secret in json.loads((data_dir / "secrets.json").read_text())["secrets"]]


@pytest.mark.parametrize("running", [True, False])
def test_no_member_holds_a_secret_or_an_alert(tmp_path: Path, running: bool) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as serve:
        before = serve.secret
        assert post(serve.url, urlencode({"alertName": TOLD, "alertState": "ALERT"}).encode()) == 200
        assert post(f"{serve.address}/hook/{FORMER}") == 404
        serve.run("url", "--rotate", "--grace", "0s")
        secrets = [before, FORMER, *secrets_of(data_dir)]
        salt(data_dir, *secrets)
        members = gathered(data_dir, tmp_path) if running else {}
    members = members or gathered(data_dir, tmp_path)

    assert members.keys() - {"crashes/fatal.txt"} == {
        "status.json", "versions.json", "settings.json", "settings.toml", "access.log", "files.json", "check.json",
        "crashes/crash-20261123T031200Z.txt",
    }  # fmt: skip
    whole = "\n".join(members.values())
    assert not [secret for secret in (*secrets, TOLD) if secret in whole]
    assert "/hook/***" in members["settings.toml"]
    assert json.loads(members["status.json"])["running"] is running
    assert json.loads(members["settings.json"])["settings"]["port"] == 0
    assert "Python" in json.loads(members["versions.json"])
    listed = {entry["path"]: entry["mode"] for entry in json.loads(members["files.json"])}
    assert listed["secrets.json"] == "-rw-------"


def test_the_search_for_secrets_finds_one_that_is_there(tmp_path: Path) -> None:
    """The negative control: without the mask the same files do hold them."""
    salt(tmp_path, FORMER)
    assert FORMER in (tmp_path / "access.log").read_text()


def test_a_former_secret_is_known_by_its_look(tmp_path: Path) -> None:
    mask = masking(find_places(str(tmp_path)))
    assert mask(f"GET /hook/{FORMER}?x") == "GET /hook/***?x"
    assert mask(f"it was {FORMER}.") == "it was ***."
    plain = 'File "/usr/lib/python3.11/asyncio/base_events.py", line 1, in run_until_complete 2026-11-23T03:12:00.000Z'
    assert mask(plain) == plain
    assert not re.search("secrets.json", " ".join(path.name for path in tmp_path.iterdir()))


def test_it_works_with_a_damaged_log_and_before_anything_ran(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert "status.json" in gathered(data_dir, tmp_path)
    assert not data_dir.exists()
    data_dir.mkdir()
    (data_dir / "trayalert.db").write_bytes(b"no database" * 1000)
    (data_dir / "secrets.json").write_text("{")

    members = gathered(data_dir, tmp_path)

    (problem,) = json.loads(members["status.json"])["log_problems"]
    assert "trayalert.db" in problem


def test_a_bundle_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    done = run("diagnostics", "-o", tmp_path / "none" / "x.zip", data_dir=tmp_path)
    assert (done.status, len(done.err.splitlines())) == (1, 1)


def test_it_changes_nothing_in_the_log(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        post(serve.url, b"alertName=x")
    gathered(tmp_path / "data", tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "trayalert.db")) as log:
        assert log.execute("SELECT count(*) FROM delivery").fetchone() == (1,)
