"""What a data dir contains at the end of a long life with all kinds of events.

No other user can read its files, and no file that may be passed on contains a secret.
"""

import csv
import zipfile
from pathlib import Path

import pytest

from tests.domain.incident.best_link import best_link
from tests.soak.fuzzing.fuzz_target import tables
from tests.soak.fuzzing.mutations import URLS, spoiled
from tests.soak.harness.judges import formulas, leads_to_console
from tests.soak.storage.life import leaks, live, opened, readable_by_others
from tests.storage.making import callback
from trayalert.callbacks.kinds import read_callback


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    return live(tmp_path_factory.mktemp("life"))


def test_it_was_a_whole_life(lived: tuple[Path, list[str]]) -> None:
    data, secrets = lived
    there = {path.relative_to(data).parts[0] for path in data.rglob("*")}

    assert there >= {"trayalert.db", "secrets.json", "lock", "quarantine", "backups", "access.log", "crashes"}
    assert len(set(secrets)) == 2
    with zipfile.ZipFile(data.parent / "diagnostics.zip") as bundle:
        assert bundle.namelist()


def test_nobody_else_may_read_any_of_it(lived: tuple[Path, list[str]]) -> None:
    assert readable_by_others(lived[0]) == []


def test_no_secret_is_in_logs_crash_files_backups_or_the_diagnostics(lived: tuple[Path, list[str]]) -> None:
    data, secrets = lived

    assert "no answer for /hook/***" in (data.parent / "stderr").read_text()
    assert any("no task for /hook/***" in path.read_text() for path in (data / "crashes").iterdir())
    assert leaks(data.parent, secrets) == []


def test_the_export_of_a_life_runs_nothing(lived: tuple[Path, list[str]]) -> None:
    text = (lived[0].parent / "export.csv").read_text(encoding="utf-8")

    assert len(list(csv.reader(text.splitlines()))) > 1
    assert formulas(text) == []


def test_the_proofs_find_an_open_file_and_a_leak(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "open").write_text("s3cret")
    (tmp_path / "open").chmod(0o644)
    (tmp_path / "folder").mkdir(mode=0o755)
    with zipfile.ZipFile(tmp_path / "bundle.zip", "w", zipfile.ZIP_DEFLATED) as bundle:
        bundle.writestr("log.txt", "a" * 1000 + "s3cret")
    (tmp_path / "bundle.zip").chmod(0o600)

    assert len(readable_by_others(tmp_path)) == 2
    assert sorted(leaks(tmp_path, ["s3cret"])) == ["bundle.zip", "open"]


def test_only_consoles_reach_the_browser(tmp_path: Path) -> None:
    (alert,) = read_callback(callback("i-bp1", namespace="acs_ecs_dashboard", regionId="cn-hangzhou"))
    good = [link for table in tables() if (link := best_link(alert, table))]
    assert len(good) == 2
    bad = [text.decode("utf-8", "replace") for text in [*URLS, *spoiled(URLS, 300, seed=11)]]

    found = opened([*good, *(url for url in bad if not leads_to_console(url))], tmp_path)

    assert sorted(found) == sorted(good)
