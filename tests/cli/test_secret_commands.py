"""`trayalert secrets` and `trayalert url --name`, with a running instance and without one."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.program import ServeProcess, post, run, serving


@pytest.fixture
def running(tmp_path: Path) -> Iterator[ServeProcess]:
    with serving(tmp_path) as running:
        yield running


def listed(data_dir: Path) -> list[dict[str, Any]]:
    return run("secrets", "--json", data_dir=data_dir).objects


def test_a_new_secret_opens_the_door_at_once_and_is_counted(running: ServeProcess) -> None:
    assert running.run("secrets", "add", "grafana").status == 0
    url = running.run("url", "--name", "grafana").out.strip()

    assert url != running.url
    assert [post(address, b"alertName=x") for address in (url, url, running.url)] == [200, 200, 200]
    uses = {row["name"]: row for row in listed(running.data_dir)}
    assert {name: row["deliveries"] for name, row in uses.items()} == {"default": 1, "grafana": 2}
    assert all(row["last_at"].endswith("Z") and row["secret"] == "***" for row in uses.values())


def test_the_old_secret_and_the_new_one_are_counted_apart(running: ServeProcess) -> None:
    old = running.url
    new = running.run("url", "--rotate", "--grace", "1h").out.strip()
    assert [post(url) for url in (old, old, new)] == [200, 200, 200]

    assert [(row["until"] is None, row["deliveries"]) for row in listed(running.data_dir)] == [(True, 1), (False, 2)]
    running.run("secrets", "add", "grafana")
    post(running.run("url", "--name", "grafana").out.strip())
    running.run("secrets", "remove", "grafana")
    running.run("secrets", "add", "grafana")
    assert listed(running.data_dir)[-1]["deliveries"] == 0


@pytest.mark.parametrize("command", ["url", "secrets"])
def test_a_file_that_is_gone_is_written_again_from_what_the_running_instance_knows(
    running: ServeProcess, command: str
) -> None:
    (running.data_dir / "secrets.json").unlink()
    assert running.run(command).status == 0

    assert post(running.run("url").out.strip()) == 200
    assert running.run("url").out.strip() == running.url


def test_rotating_one_leaves_the_others_alone(running: ServeProcess) -> None:
    running.run("secrets", "add", "grafana")
    old = running.run("url", "--name", "grafana").out.strip()
    new = running.run("url", "--name", "grafana", "--rotate", "--grace", "0s").out.strip()

    assert [post(address) for address in (old, new, running.url)] == [404, 200, 200]
    running.run("url", "--name", "grafana", "--rotate", "--grace", "1h")
    assert post(new) == 200
    assert [row["until"] is None for row in listed(running.data_dir)] == [True, True, False]
    assert "its secret was replaced or removed" in running.end().err


def test_a_secret_that_was_removed_opens_nothing_at_once(running: ServeProcess) -> None:
    running.run("secrets", "add", "grafana")
    url = running.run("url", "--name", "grafana").out.strip()
    assert running.run("secrets", "remove", "grafana").out.startswith("the secret grafana is gone")

    assert post(url) == 404
    assert [row["name"] for row in listed(running.data_dir)] == ["default"]
    assert "its secret was replaced or removed" in running.end().err


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("secrets", "remove", "default"), '"default" is the only secret'),
        (("secrets", "remove", "x"), 'there is no secret "x". There are: default.'),
        (("secrets", "add", "default"), 'there is a secret "default" already'),
        (("secrets", "add", "a b"), '"a b" is no name for a secret'),
        (("url", "--name", "x"), 'there is no secret "x"'),
        (("url", "--name", "x", "--rotate"), 'there is no secret "x"'),
    ],
)
@pytest.mark.parametrize("alive", [True, False])
def test_what_cannot_be_is_told_in_a_sentence(tmp_path: Path, words: tuple[str, ...], reason: str, alive: bool) -> None:
    run("url", data_dir=tmp_path)
    before = tmp_path.joinpath("secrets.json").read_text()
    if alive:
        with serving(tmp_path) as running:
            done = running.run(*words)
    else:
        done = run(*words, data_dir=tmp_path)

    assert (done.status, done.out) == (1, "")
    assert done.err.startswith(f"trayalert: {reason}")
    assert tmp_path.joinpath("secrets.json").read_text() == before


def test_with_nothing_running_the_commands_do_it_themselves(tmp_path: Path) -> None:
    assert run("secrets", "add", "grafana", data_dir=tmp_path).status == 0
    urls = [run("url", *name, data_dir=tmp_path).out for name in ((), ("--name", "grafana"))]

    assert len(set(urls)) == 2
    assert stat.S_IMODE(tmp_path.joinpath("secrets.json").stat().st_mode) == 0o600
    assert run("secrets", data_dir=tmp_path).lines == [
        "NAME     SECRET  HOLDS UNTIL  DELIVERIES  LAST USED",
        "default  ***     -            0           never",
        "grafana  ***     -            0           never",
    ]


def test_status_tells_what_strangers_tried(running: ServeProcess) -> None:
    assert post(f"{running.address}/hook/wrong") == 404
    counts = running.run("status", "--json").objects[0]["door_counts"]

    assert {name: counts[name] for name in ("requests", "stored", "strangers", "probes", "limited", "evicted")} == {
        "requests": 1, "stored": 0, "strangers": 1, "probes": 1, "limited": 0, "evicted": 0,
    }  # fmt: skip
    assert counts["last_probe_at"].endswith("Z")
    assert counts["last_probe_from"] == "127.0.0.1"


def test_status_knows_no_counts_where_nothing_runs(tmp_path: Path) -> None:
    assert run("status", "--json", data_dir=tmp_path).objects[0]["door_counts"] is None
