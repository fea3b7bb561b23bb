"""`/metrics` and `/healthz`: off by default, open to this computer alone, and readable by Prometheus."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.program import environment, post, serving, wait_for
from tests.reached import status, write_settings
from trayalert import __version__
from trayalert.app.metrics import LogMeasurements, Measurements, measure_log, prometheus_text
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import Totals
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.tunnel import Phase, TunnelState
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.metrics_server import CheckHealth, MetricsServer, Render, open_metrics, serve_metrics
from trayalert.listener.port import ListenerFault

NOTHING = Measurements(
    mode="serve", uptime=12.5, log=None, counts=ListenerCounts(), storing=False, reach=ReachabilityState(),
    tunnel=TunnelState(),
)  # fmt: skip


def render_nothing() -> tuple[bytes, str]:
    return prometheus_text(NOTHING)


def well() -> tuple[bool, str]:
    return True, ""


@asynccontextmanager
async def opened(render: Render = render_nothing, healthy: CheckHealth = well) -> AsyncIterator[MetricsServer]:
    metrics = await open_metrics(0, render=render, check_health=healthy)
    try:
        yield metrics
    finally:
        await metrics.close()


async def ask(port: int, path: str, *, host: str = "localhost:1", method: str = "GET") -> tuple[int, str, str]:
    """Return status, head and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition("\r\n\r\n")
    return int(answer.split()[1]), head, body


def samples(text: str) -> dict[str, float]:
    """Return the samples, and check that every metric family has a type and a help text."""
    found = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation, family.name
        assert family.type != "unknown", family.name
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            found[sample.name + (f"{{{labels}}}" if labels else "")] = sample.value
    return found


async def test_prometheus_reads_every_figure() -> None:
    totals = Totals(alerts=7, deliveries=9, unrecognised=1, open_incidents=2, last_callback_at=1_795_417_200_250)
    now = replace(
        NOTHING,
        log=LogMeasurements({Level.CRITICAL: 2}, totals),
        counts=ListenerCounts(requests=10, stored=5, strangers=4, probes=3, turned_away=2, mistyped=8),
        storing=True,
        reach=ReachabilityState(
            reach=Reachability.BLIND, since=1_795_417_000_000, reachable_at=1_795_416_999_000, probe_ms=120
        ),
        tunnel=TunnelState(kind="ssh", phase=Phase.STARTING, restarts=6),
    )
    async with opened(lambda: prometheus_text(now)) as metrics:
        status, head, body = await ask(metrics.port, "/metrics")

    assert status == 200
    assert "Content-Type: text/plain; version=" in head
    assert samples(body) == {
        "trayalert_requests_total": 10, "trayalert_callbacks_stored_total": 5, "trayalert_strangers_total": 4,
        "trayalert_probing_requests_total": 3, "trayalert_turned_away_total": 2, "trayalert_tunnel_restarts_total": 6,
        "trayalert_mistyped_requests_total": 8,
        "trayalert_open_incidents{level=CRITICAL}": 2, "trayalert_open_incidents{level=WARN}": 0,
        "trayalert_open_incidents{level=INFO}": 0, "trayalert_open_incidents{level=OK}": 0,
        "trayalert_alerts": 7, "trayalert_deliveries": 9, "trayalert_unrecognised_alerts": 1,
        "trayalert_last_callback_timestamp_seconds": 1_795_417_200.25,
        "trayalert_reach{state=blind}": 1, "trayalert_reach{state=unknown}": 0, "trayalert_reach{state=reachable}": 0,
        "trayalert_reach_since_timestamp_seconds": 1_795_417_000, "trayalert_probe_duration_seconds": 0.12,
        "trayalert_last_good_probe_timestamp_seconds": 1_795_416_999, "trayalert_storing": 1,
        "trayalert_tunnel_up": 0, "trayalert_uptime_seconds": 12.5,
        f"trayalert_build_info{{front=serve,version={__version__}}}": 1,
    }  # fmt: skip


@pytest.mark.parametrize("reach", Reachability)
@pytest.mark.parametrize(("phase", "up"), [(Phase.UP, 1), (Phase.STARTING, 0), (Phase.WAITING, 0), (Phase.OFF, None)])
async def test_the_states_of_reachability_and_tunnel_are_told_apart(
    reach: Reachability, phase: Phase, up: int | None
) -> None:
    counts = ListenerCounts(requests=3)
    now = replace(NOTHING, counts=counts, reach=ReachabilityState(reach=reach), tunnel=TunnelState(phase=phase))
    async with opened(lambda: prometheus_text(now)) as metrics:
        found = samples((await ask(metrics.port, "/metrics"))[2])

    assert {each: found[f"trayalert_reach{{state={each}}}"] for each in Reachability} == {
        each: float(each is reach) for each in Reachability
    }
    assert found.get("trayalert_tunnel_up") == up
    assert found["trayalert_requests_total"] == 3  # counted even if nothing is known about the log
    assert "trayalert_alerts" not in found


async def test_what_is_not_known_is_left_out_and_is_no_zero() -> None:
    async with opened() as metrics:
        found = samples((await ask(metrics.port, "/metrics"))[2])

    assert found["trayalert_requests_total"] == 0
    unknown = ("alerts", "deliveries", "last_callback", "open_incidents", "reach_since", "last_good", "tunnel_up")
    assert not [name for name in found if name.startswith(tuple(f"trayalert_{word}" for word in unknown))]


async def test_healthz_says_why_it_is_not_well() -> None:
    async with opened(healthy=well) as metrics:
        assert (await ask(metrics.port, "/healthz"))[::2] == (200, "ok\n")
    async with opened(healthy=lambda: (False, "the disk is full.")) as metrics:
        assert (await ask(metrics.port, "/healthz"))[::2] == (503, "the disk is full.\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9100", "localhost", "LOCALHOST:1", "[::1]", "[::1]:9100"])
async def test_this_computers_own_names_are_answered(host: str) -> None:
    async with opened() as metrics:
        assert (await ask(metrics.port, "/metrics", host=host))[0] == 200


@pytest.mark.parametrize(
    "request_",
    [
        {"host": "evil.example.com"}, {"host": "localhost.evil.example.com:9100"}, {"host": ""}, {"host": "10.0.0.1"},
        {"method": "POST"}, {"method": "HEAD"}, {"method": "OPTIONS"}, {"path": "/"}, {"path": "/metrics/x"},
    ],
)  # fmt: skip
async def test_whoever_comes_otherwise_gets_404(request_: dict[str, str]) -> None:
    async with opened() as metrics:
        assert (await ask(metrics.port, **{"path": "/metrics", **request_}))[0] == 404


async def test_a_fault_of_ours_is_500_and_the_next_one_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    answers, calls = {1: prometheus_text(NOTHING)}, list[int]()

    def render() -> tuple[bytes, str]:
        calls.append(len(calls))
        return answers[calls[-1]]

    async with opened(render) as metrics:
        assert [(await ask(metrics.port, "/metrics"))[0] for _ in range(2)] == [500, 200]
    assert "KeyError" in caplog.text


async def test_only_this_computer_reaches_the_port_and_a_close_frees_it() -> None:
    async with opened() as metrics:
        port = metrics.port
        with pytest.raises(ListenerFault, match=f"port {port} for metrics is taken"):
            await open_metrics(port, render=render_nothing, check_health=well)
        listening = Path("/proc/net/tcp").read_text()
        assert f" 0100007F:{port:04X} " in listening
        assert f" 00000000:{port:04X} " not in listening
    with pytest.raises(OSError, match=r"refused|failed"):
        await ask(port, "/metrics")


async def test_a_port_that_is_taken_is_told_and_tried_again() -> None:
    reported: list[tuple[int | None, str | None]] = []
    news = asyncio.Event()

    def report(port: int | None, sentence: str | None) -> None:
        reported.append((port, sentence))
        news.set()

    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        serving_metrics = asyncio.create_task(
            serve_metrics(port, render=render_nothing, check_health=well, report=report)
        )
        await asyncio.wait_for(news.wait(), 10)
        assert reported[0][0] is None
        assert "is taken" in (reported[0][1] or "")
    news.clear()
    await asyncio.wait_for(news.wait(), 10)
    assert reported[1:] == [(port, None)]
    assert (await ask(port, "/healthz"))[0] == 200

    serving_metrics.cancel()
    await asyncio.wait([serving_metrics])
    with pytest.raises(OSError, match=r"refused|failed"):
        await ask(port, "/metrics")


def test_the_figures_are_those_of_the_running_program(tmp_path: Path) -> None:
    write_settings(tmp_path / "data", metrics_port=0)
    with serving(tmp_path / "data") as serve:
        assert (
            post(serve.url, urlencode({"alertName": "x", "alertState": "ALERT", "level": "CRITICAL"}).encode()) == 200
        )
        assert post(f"{serve.address}/hook/wrong") == 404
        wait_for(lambda: status(serve)["metrics_port"])
        body = asyncio.run(ask(status(serve)["metrics_port"], "/metrics"))[2]
        measured = measure_log(serve.data_dir / "trayalert.db")
    assert measured
    assert (measured.totals.alerts, measured.totals.deliveries) == (1, 1)
    assert sum(measured.open_levels.values()) == 1
    found = samples(body)
    assert 0 < found.pop("trayalert_uptime_seconds") < 60
    assert found.pop("trayalert_reach_since_timestamp_seconds") > 1_700_000_000
    assert found.pop("trayalert_last_callback_timestamp_seconds") == (measured.totals.last_callback_at or 0) / 1000
    assert {name: value for name, value in found.items() if value} == {
        "trayalert_requests_total": 2, "trayalert_callbacks_stored_total": 1, "trayalert_strangers_total": 1,
        "trayalert_probing_requests_total": 1, "trayalert_alerts": 1, "trayalert_deliveries": 1,
        "trayalert_storing": 1, "trayalert_reach{state=unknown}": 1,
        f"trayalert_open_incidents{{level={next(iter(measured.open_levels))}}}": 1,
        f"trayalert_build_info{{front=serve,version={__version__}}}": 1,
    }  # fmt: skip


def test_a_log_that_cannot_be_read_leaves_its_figures_unknown(tmp_path: Path) -> None:
    (tmp_path / "trayalert.db").write_bytes(b"no database" * 1000)
    assert measure_log(tmp_path / "trayalert.db") is None


def test_nobody_pays_for_metrics_who_does_not_ask_for_them(tmp_path: Path) -> None:
    """While metrics are off, only one port is open, and importing the modules does not import prometheus_client."""
    modules = "trayalert.app.receiver, trayalert.app.metrics, trayalert.listener.metrics_server"
    code = f"import sys, {modules}; sys.exit('prometheus_client' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
    with serving(tmp_path / "data") as serve:
        pid = serve.process.pid
        wait_for(lambda: listening_ports(pid))
        assert listening_ports(pid) == {int(serve.address.rpartition(":")[2])}


def listening_ports(pid: int) -> set[int]:
    psutil = pytest.importorskip("psutil")
    connections = psutil.Process(pid).net_connections("tcp")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}
