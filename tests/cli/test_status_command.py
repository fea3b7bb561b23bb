"""`trayalert status`, of a running instance and of a data dir without one."""

from pathlib import Path

from tests.cli.contract import STATUS_KEYS
from tests.program import ServeProcess, post, run, serving
from tests.storage.making import rows


def test_status_of_a_running_instance(serve: ServeProcess) -> None:
    assert post(serve.url, b"nobody=knows") == 200
    (state,) = serve.run("status", "--json").objects

    assert state.keys() >= STATUS_KEYS
    assert (state["running"], state["listening"], state["front"], state["http_parser"]) == (True, True, "serve", "c")
    assert f"http://{state['host']}:{state['port']}" == serve.address
    assert state["pid"] == serve.process.pid
    assert state["callback_url"] == f"{serve.address}/hook/***"
    assert (state["public_url"], state["reach"], state["data_dir"]) == (None, "unknown", str(serve.data_dir))
    counted = {
        name: rows(serve.data_dir / "trayalert.db", f"SELECT count(*) FROM {name}")[0][0]
        for name in ("alert", "delivery")
    }
    assert (state["alerts"], state["deliveries"]) == (counted["alert"], counted["delivery"])
    assert state["unrecognised"] >= 1
    assert state["last_callback_at"].endswith("Z")


def test_status_with_none_running(data_dir: Path) -> None:
    (state,) = run("status", "--json", data_dir=data_dir).objects

    assert state.keys() >= STATUS_KEYS
    assert (state["running"], state["listening"], state["pid"], state["reach"]) == (False, False, None, "blind")
    assert (state["host"], state["port"]) == ("127.0.0.1", 8765)
    assert (state["alerts"], state["deliveries"], state["open_incidents"], state["unrecognised"]) == (3, 3, 1, 0)
    assert state["last_callback_at"] == "2026-09-21T14:14:20.000Z"


def test_status_before_anything_ever_ran(tmp_path: Path) -> None:
    (state,) = run("status", "--json", data_dir=tmp_path / "none").objects

    assert (state["running"], state["alerts"], state["last_callback_at"]) == (False, 0, None)
    assert not (tmp_path / "none").exists()


def test_status_of_a_log_that_cannot_be_read_is_an_object_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "trayalert.db").write_bytes(b"no database" * 1000)

    done = run("status", "--json", data_dir=tmp_path)
    (state,) = done.objects
    people = run("status", data_dir=tmp_path)

    assert (done.status, done.err, people.status) == (0, "", 0)
    assert (state["running"], state["storing"], state["log_news"]) == (False, None, [])
    assert [state[name] for name in ("alerts", "deliveries", "unrecognised", "open_incidents")] == [None] * 4
    (sentence,) = state["log_problems"]
    assert str(tmp_path / "trayalert.db") in sentence
    assert f"log             {sentence}" in people.lines
    assert "alerts          unknown, as the log cannot be read" in people.lines


def test_status_says_how_the_log_of_the_running_instance_is(serve: ServeProcess) -> None:
    (state,) = serve.run("status", "--json").objects

    assert (state["storing"], state["log_problems"], state["log_news"], state["crashes"]) == (True, [], [], [])
    assert state["salvaging"] is False


def test_status_says_who_probes(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(f"{running.address}/hook/{'x' * 43}") == 404
        (state,) = running.run("status", "--json").objects
        people = running.run("status")

    assert state["door_counts"]["probes"] == 1
    assert state["probing"].startswith("Someone is probing: 1 request with a wrong secret, the last ")
    assert state["probing"].endswith(" from 127.0.0.1. An old URL in a console rule looks the same.")
    assert f"probing         {state['probing']}" in people.lines


def test_status_says_what_was_refused_and_which_url_was_mistyped(tmp_path: Path) -> None:
    with serving(tmp_path) as running:
        assert post(f"{running.url}/") == 404
        assert post(running.url, b"x" * (1024 * 1024 + 1)) == 413
        (state,) = running.run("status", "--json").objects
        people = running.run("status")
        stderr = running.end().err

    counts = state["door_counts"]
    assert (counts["mistyped"], counts["turned_away"], counts["probes"]) == (1, 1, 0)
    assert counts["lost_at"] == counts["last_turned_away_at"]
    assert state["probing"] is None
    assert "there is a slash at its end" in state["mistyped"]
    assert "its body is larger than 1 MiB" in state["turned_away"]
    assert f"mistyped URL    {state['mistyped']}" in people.lines
    assert f"turned away     {state['turned_away']}" in people.lines
    assert state["mistyped"] in stderr
    assert state["turned_away"] in stderr


def test_status_shows_no_secret(serve: ServeProcess) -> None:
    assert serve.secret not in serve.run("status", "--json").out + serve.run("status").out
