"""The commands that maintain the log, with real processes that are killed at bad times."""

import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.program import environment, post, run, serving, wait_for
from tests.storage.damage import big_log, leaves, overwrite, overwrite_page
from tests.storage.making import NOON, rows
from trayalert.storage.recovery.backups import list_backups, make_backup
from trayalert.storage.recovery.quarantine import quarantined_folders


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    big_log(folder / "trayalert.db", 2001)
    return folder


def count(data_dir: Path) -> int:
    return int(rows(data_dir / "trayalert.db", "SELECT count(*) FROM delivery")[0][0])


def status_of(running_dir: Path) -> dict[str, object]:
    return dict(run("status", "--json", data_dir=running_dir).objects[0])


@pytest.mark.alone
def test_a_kill_in_the_middle_of_a_salvage_costs_nothing(data_dir: Path) -> None:
    log = data_dir / "trayalert.db"
    bad = leaves(log)[10:40:10]
    lost = sum(log.read_bytes()[(number - 1) * 4096 + 4] for number in bad)
    for number in bad:
        overwrite_page(log, number)
    overwrite(log, 0, bytes(100))
    began = time.monotonic()
    with serving(data_dir) as first:
        assert time.monotonic() - began < 2
        assert post(first.url, b"live=1") == 200
        wait_for(lambda: log.exists() and count(data_dir) > 200)
        first.end(signal.SIGKILL)
    assert 200 < count(data_dir) < 2002 - lost
    with serving(data_dir) as second:
        sentence = f"{2001 - lost:,} of 2,001 callbacks of the former log were salvaged; {lost} missing, and what"
        wait_for(lambda: sentence in str(status_of(data_dir)["log_news"]))
        assert count(data_dir) == 2002 - lost
        status = status_of(data_dir)
        assert (status["quarantined"], status["salvage"], status["salvaging"]) == (1, None, False)
        assert run("check", data_dir=data_dir).status == 0
        assert "salvaged" in second.end().err


def test_a_backup_is_made_by_the_running_instance_and_without_one(data_dir: Path) -> None:
    with serving(data_dir) as running:
        done = running.run("backup")
        assert done.status == 0, done.err
    made = list_backups(data_dir / "trayalert.db")
    assert [str(one.path) for one in made] == [done.out.removeprefix("the backup is ").strip()]
    time.sleep(max(0.0, 1.01 - (time.time() - made[0].made_at / 1000)))
    assert run("backup", data_dir=data_dir).status == 0
    assert len(list_backups(data_dir / "trayalert.db")) == 2
    assert status_of(data_dir)["backups"] == 2
    assert run("check", "--json", data_dir=data_dir).objects[0]["ok"] is True


@pytest.mark.parametrize("pause", [0.05, 0.15])
def test_a_kill_in_the_middle_of_a_backup_leaves_no_half_one(data_dir: Path, pause: float) -> None:
    script = (
        "import sys, time; from pathlib import Path; from trayalert.storage.recovery.backups import make_backup;"
        f"make_backup(Path(sys.argv[1]), keep=3, now={NOON}, throttle=lambda: time.sleep(0.01), pages_per_step=1)"
    )
    log = data_dir / "trayalert.db"
    with subprocess.Popen([sys.executable, "-c", script, log], env=environment()) as process:
        wait_for(lambda: list(data_dir.glob("backups/*.part")))
        time.sleep(pause)
        process.kill()
    assert list_backups(log) == []
    made = make_backup(log, keep=3, now=NOON)
    assert [one.name for one in (data_dir / "backups").iterdir()] == [made.path.name]


def test_restore_brings_the_backup_and_what_came_after_it(data_dir: Path) -> None:
    log = data_dir / "trayalert.db"
    made = make_backup(log, keep=3, now=NOON)
    with serving(data_dir) as running:
        for number in range(7):
            assert post(running.url, b"after=%d" % number) == 200
        refused = running.run("restore")
        assert refused.status == 1
        assert "End it first" in refused.err
        running.end(signal.SIGKILL)
    overwrite(log, 0, bytes(100))
    done = run("restore", data_dir=data_dir)
    assert done.status == 0, done.err
    assert done.lines[0] == f"restored {made.path}: 2,001 callbacks, 2,001 alerts, 97 incidents."
    assert "2,008 of 2,008 callbacks of the former log were salvaged." in done.out
    assert done.lines[-1].startswith("The log holds 2,008 callbacks")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert run("check", data_dir=data_dir).status == 0
    with serving(data_dir):
        assert status_of(data_dir)["deliveries"] == 2008


def test_restore_takes_the_newest_good_backup_and_lists_all(data_dir: Path) -> None:
    log = data_dir / "trayalert.db"
    good = make_backup(log, keep=3, now=NOON)
    bad = make_backup(log, keep=3, now=NOON + 1000)
    overwrite_page(bad.path, 30)
    listed = run("restore", "--list", data_dir=data_dir)
    assert "damaged" in listed.lines[0]
    assert "2,001 alerts" in listed.lines[1]
    assert [one["problem"] is None for one in run("restore", "--list", "--json", data_dir=data_dir).objects] == [
        False,
        True,
    ]
    done = run("restore", data_dir=data_dir)
    assert done.status == 0, done.err
    assert str(good.path) in done.lines[0]
    assert "an older one is looked for" in done.err
    assert run("check", data_dir=data_dir).status == 1  # the bad backup still exists


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.05, 0.1, 0.2])
def test_a_kill_in_the_middle_of_a_restore_leaves_a_log_with_everything_in_it(data_dir: Path, pause: float) -> None:
    log = data_dir / "trayalert.db"
    make_backup(log, keep=3, now=NOON)
    arguments: list[str | Path] = [sys.executable, "-m", "trayalert", "restore", "--data-dir", data_dir]
    with subprocess.Popen(arguments, env=environment(), stdout=subprocess.DEVNULL) as process:
        wait_for(lambda: process.poll() is not None or list(data_dir.glob("*.restored*")))
        time.sleep(pause)
        process.kill()
    with serving(data_dir) as running:
        wait_for(lambda: count(data_dir) == 2001 and not status_of(data_dir)["salvaging"])
        running.end()
    assert count(data_dir) == 2001
    assert not list(data_dir.glob("*.restored*"))
    assert len(quarantined_folders(log)) <= 1


def test_restore_says_what_is_missing(tmp_path: Path, data_dir: Path) -> None:
    nothing = run("restore", data_dir=tmp_path / "nowhere")
    assert nothing.status == 1
    assert "there is no data dir" in nothing.err
    none = run("restore", data_dir=data_dir)
    assert none.status == 1
    assert "there is no good backup" in none.err
    assert run("restore", "--list", data_dir=data_dir).out == "there are no backups yet.\n"


def test_check_says_what_is_wrong_and_ends_with_one(data_dir: Path) -> None:
    assert "Everything is in order." in run("check", data_dir=data_dir).out
    (data_dir / "trayalert.db").chmod(0o644)
    overwrite_page(data_dir / "trayalert.db", 20)
    done = run("check", data_dir=data_dir)
    assert done.status == 1
    assert "its mode is 0644" in done.out
    assert "malformed" in done.out or "is damaged" in done.out
    found = run("check", "--json", data_dir=data_dir)
    assert found.status == 1
    assert found.objects[0]["log_damaged"] is True


def test_a_log_that_is_gone_is_not_in_order(data_dir: Path) -> None:
    assert run("backup", data_dir=data_dir).status == 0
    (data_dir / "trayalert.db").unlink()
    done = run("check", data_dir=data_dir)
    assert done.status == 1
    assert "is gone" in done.out
    assert "1 problem was found." in done.out


def test_check_of_nothing_is_in_order(tmp_path: Path) -> None:
    done = run("check", data_dir=tmp_path / "nothing")
    assert done.status == 0
    assert "there is no log" in done.out
