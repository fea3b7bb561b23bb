"""`trayalert url`, with a running instance and without one."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.program import ServeProcess, post, run, serving


def test_the_url_is_the_one_that_opens(serve: ServeProcess) -> None:
    done = serve.run("url")

    assert done.out == f"{serve.url}\n"
    assert post(done.out.strip()) == 200


def test_a_rotated_secret_goes_on_for_its_grace(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        old = running.run("url").out.strip()
        new = running.run("url", "--rotate", "--grace", "1h").out.strip()
        assert new != old
        assert (post(old), post(new)) == (200, 200)
        newest = running.run("url", "--rotate", "--grace", "0s").out.strip()
        # each secret keeps the grace period that it was given
        assert (post(newest), post(new), post(old)) == (200, 404, 200)
        assert "its secret was replaced or removed" in running.end().err


def test_rotating_needs_no_instance(tmp_path: Path) -> None:
    old = run("url", data_dir=tmp_path).out.strip()
    new = run("url", "--rotate", "--grace", "0s", data_dir=tmp_path).out.strip()

    assert old != new
    assert old.rpartition("/")[0] == new.rpartition("/")[0] == "http://127.0.0.1:8765/hook"
    with serving(tmp_path) as running:
        assert post(f"{running.address}/hook/{new.rpartition('/')[2]}") == 200


def test_the_public_url_is_shown_where_it_is_known(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('public_url = "https://alerts.example.com/x/"')

    assert run("url", data_dir=tmp_path).out.startswith("https://alerts.example.com/x/hook/")
    assert (
        run("status", "--json", data_dir=tmp_path).objects[0]["callback_url"] == "https://alerts.example.com/x/hook/***"
    )


def test_a_grace_that_is_none_is_wrong_use(tmp_path: Path) -> None:
    done = run("url", "--rotate", "--grace", "soon", data_dir=tmp_path)

    assert done.status == 2
    assert "write 90s, 30m, 24h, 7d or 2w" in done.err
    assert not tmp_path.joinpath("secrets.json").exists()


def test_a_grace_that_no_calendar_holds_is_refused_in_a_sentence(tmp_path: Path) -> None:
    done = run("url", "--rotate", "--grace", "999999w", data_dir=tmp_path)

    assert (done.status, done.out) == (1, "")
    assert "ten years at most" in done.err
    assert run("secrets", data_dir=tmp_path).status == 0


def test_what_is_made_is_nobody_elses_to_read(tmp_path: Path) -> None:
    run("url", data_dir=tmp_path / "new" / "data")

    assert stat.S_IMODE((tmp_path / "new" / "data").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "data" / "secrets.json").stat().st_mode) == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="no umask there")
def test_nobody_else_can_put_another_data_dir_in_the_place_of_a_new_one(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        run("url", data_dir=tmp_path / "new" / "data")
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
