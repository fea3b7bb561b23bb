"""`trayalert resolve`, with a running instance and without one."""

from pathlib import Path

import pytest

from tests.program import ServeProcess, run


def test_resolve_asks_the_running_instance(serve: ServeProcess) -> None:
    serve.run("send", "--sample", "site-monitor")
    firing = next(one for one in serve.run("incidents", "--json", "--open").objects if "shop.ex" in one["name"])
    number = str(firing["id"])

    first, again = serve.run("resolve", number), serve.run("resolve", number)

    assert (first.status, first.out) == (0, f"incident {number} is marked recovered\n")
    assert (again.status, again.out) == (0, f"incident {number} was closed already\n")
    assert firing["id"] not in [one["id"] for one in serve.run("incidents", "--json", "--open").objects]


def test_resolve_needs_no_instance(data_dir: Path) -> None:
    done = run("resolve", "2", data_dir=data_dir)

    assert (done.status, done.out, done.err) == (0, "incident 2 is marked recovered\n", "")
    assert run("incidents", "--json", "--open", data_dir=data_dir).out == ""


@pytest.mark.parametrize("number", ["9", str(2**63 - 1)])
def test_an_unknown_incident_is_told(data_dir: Path, serve: ServeProcess, number: str) -> None:
    for where in (data_dir, serve.data_dir, data_dir / "none"):
        done = run("resolve", number if where != serve.data_dir else f"9999{number}"[-18:], data_dir=where)
        assert (done.status, done.out) == (1, "")
        assert done.err.startswith("trayalert: there is no incident ")


@pytest.mark.parametrize("number", ["x", "0", "-1", str(2**63), ""])
def test_what_is_no_number_is_wrong_use(tmp_path: Path, number: str) -> None:
    assert run("resolve", "--", number, data_dir=tmp_path).status == 2
