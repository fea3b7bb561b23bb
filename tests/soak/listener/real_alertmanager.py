"""Lets a real Alertmanager send to trayalert. The tests push alerts to Alertmanager's API, as Prometheus does.

The result is compared with Alertmanager's own list of active alerts. Each alert in the list must have an open incident
in trayalert, and there must be no other open incident.
"""

import contextlib
import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Literal

from tests.bench.figures import Figure
from tests.program import DEADLINE, serving, wait_for
from tests.soak.harness.instance import Instance, started
from tests.sshd import free_port

Route = Literal["whole", "few", "repeated"]
"""How Alertmanager sends a group of alerts.

"whole" sends all alerts of the group, and "few" at most FEW of them. "repeated" sends the group again each second, even
if nothing has changed.
"""

FEW = 5
GROUP_WAIT = "300ms"
"""How long Alertmanager waits for more alerts of a new group before it sends the group.

The time is long enough for all alerts of one push to be sent in one body, even on a busy computer.
"""


@dataclass(slots=True)
class Alertmanager:
    """A running Alertmanager. `_since` has the start time of each alert that was pushed but not resolved."""

    address: str
    output: Path
    _since: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def fire(self, rule: str, names: Sequence[str], *, route: Route = "whole", value: str = "97.5") -> None:
        """Push a firing alert of the rule for each name.

        Alerts that are already firing keep their start time, but get the new value.
        """
        now = datetime.now(UTC)
        for name in names:
            self._since.setdefault((rule, name), now)
        self._push([self._alert(rule, name, route, value, now + timedelta(hours=1)) for name in names])

    def resolve(self, rule: str, names: Sequence[str], *, route: Route = "whole", value: str = "12.5") -> None:
        """Push the end of the rule's alert for each name. These alerts must be firing."""
        now = datetime.now(UTC)
        self._push([self._alert(rule, name, route, value, now) for name in names])
        for name in names:
            del self._since[rule, name]

    @property
    def active(self) -> set[tuple[str, str]]:
        """The rule and the name of each alert that is firing according to Alertmanager."""
        found = self._get("/api/v2/alerts?active=true&silenced=false&inhibited=false")
        return {(one["labels"]["alertname"], one["labels"]["instance"]) for one in json.loads(found)}

    def count(self, metric: str) -> int:
        """Return the value of Alertmanager's counter `alertmanager_<metric>`, summed over all webhooks."""
        found = re.findall(
            rf'^alertmanager_{metric}{{[^}}]*integration="webhook"[^}}]*}} (\S+)$', self._get("/metrics"), re.MULTILINE
        )
        return sum(int(float(number)) for number in found)

    def _alert(self, rule: str, name: str, route: Route, value: str, ends: datetime) -> dict[str, Any]:
        """Return an alert like those of typical rules for node_exporter's metrics.

        In a callback, the alert takes up about 800 bytes.
        """
        return {
            "labels": {"alertname": rule, "instance": name, "job": "node", "severity": "warning", "route": route},
            "annotations": {
                "summary": f"{name}: the disk is {value} % full",
                "description": f"The file system of /srv/data on {name} is {value} % full; at this rate it has no room"
                " left within four hours. Move old files to the archive, or enlarge the volume.",
                "value": value,
                "runbook_url": f"https://runbooks.example.com/node/{rule}",
            },
            "generatorURL": f"https://prometheus.example.com/graph?g0.expr=node_filesystem_avail_bytes%7B{name}%7D",
            "startsAt": self._since.get((rule, name), ends).isoformat(),
            "endsAt": ends.isoformat(),
        }

    def _push(self, alerts: list[dict[str, Any]]) -> None:
        request = urllib.request.Request(
            f"{self.address}/api/v2/alerts", json.dumps(alerts).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            assert answer.status == 200

    def _get(self, path: str) -> str:
        with urllib.request.urlopen(self.address + path, timeout=DEADLINE) as answer:
            text: str = answer.read().decode()
        return text


@contextmanager
def alertmanager(folder: Path, url: str, *, interval: str = "50ms") -> Iterator[Alertmanager]:
    """Run an Alertmanager until the block ends. It sends to the callback URL `url`.

    A group that has changed is sent at most once per `interval`.
    """
    program = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
    assert program, "there is no Alertmanager: make setup installs it (Debian: prometheus-alertmanager)"
    folder.mkdir(parents=True, exist_ok=True)
    settings, output = folder / "alertmanager.yml", folder / "output"
    settings.write_text(json.dumps(_settings(program, folder, url, interval)))  # YAML includes JSON
    with output.open("wb") as file:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={settings}",
                f"--storage.path={folder / 'storage'}",
                "--web.listen-address=127.0.0.1:0",
                "--cluster.listen-address=",
            ],
            stdout=file,
            stderr=file,
        )
    listening = re.compile(r'msg="Listening on".* address=(\S+)')
    try:
        wait_for(lambda: process.poll() is not None or listening.search(output.read_text()))
        found = listening.search(output.read_text())
        assert found, output.read_text()
        yield Alertmanager(f"http://{found[1]}", output)
    finally:
        process.kill()
        process.wait()


def _settings(program: str, folder: Path, url: str, interval: str) -> dict[str, Any]:
    hook: dict[str, Any] = {"url": url, "send_resolved": True}
    if _version(program) >= (0, 26):  # from 0.26 on, the settings need not contain the secret
        (folder / "url").write_text(url)
        hook = {"url_file": str(folder / "url"), "send_resolved": True}
    return {
        "route": {
            "receiver": "whole",
            "group_by": ["alertname"],
            "group_wait": GROUP_WAIT,
            "group_interval": interval,
            "repeat_interval": "1h",
            "routes": [
                {"matchers": ['route="few"'], "receiver": "few"},
                {"matchers": ['route="repeated"'], "receiver": "whole", "repeat_interval": "1s"},
            ],
        },
        "receivers": [
            {"name": "whole", "webhook_configs": [hook]},
            {"name": "few", "webhook_configs": [{**hook, "max_alerts": FEW}]},
        ],
    }


@cache
def _version(program: str) -> tuple[int, ...]:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"version (\d+)\.(\d+)", output.stdout + output.stderr)
    assert found, output
    return int(found[1]), int(found[2])


def open_in(log: Path) -> set[tuple[str, str]]:
    """Return the rule and the resource of each open incident. The query does not use trayalert's code."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        rows = connection.execute(
            "SELECT alert.name, coalesce(alert.resource_id, '') FROM incident"
            " JOIN alert ON alert.id = incident.last_alert_id WHERE incident.closed_at IS NULL"
        )
        return set(rows.fetchall())


def unlike(source: Alertmanager, instance: Instance) -> set[tuple[str, str]]:
    """Return the alerts that are active in Alertmanager but not open in trayalert, or the reverse."""
    return source.active ^ open_in(instance.log)


@dataclass(slots=True)
class Churn:
    """The result of `churn`. `changes` counts the alerts that began or ended, and `kills` the kills of trayalert."""

    changes: int = 0
    kills: int = 0
    failed: int = 0
    """Number of Alertmanager's requests that got no answer, or a status other than 200."""
    unlike: set[tuple[str, str]] = field(default_factory=set)
    largest: int = 0
    """The largest number of alerts that came in one body."""


SIZES = {"DiskFull": 200, "HighLoad": 120, "ClockSkew": 30, "SystemdUnitFailed": 1}
_ROUND = 0.2
"""Seconds between two rounds. Each round makes one change."""
_KILL_EACH = 40
"""Number of rounds between two kills."""


def churn(folder: Path, rounds: int, *, seed: int = 1) -> Churn:
    """Let alerts of several groups start and stop firing at random, and repeatedly kill and restart trayalert."""
    chance, outcome, port = random.Random(seed), Churn(), free_port()
    firing: set[tuple[str, str]] = set()
    with started(folder, port=port) as instance:
        url, log = instance.url, instance.log
    with alertmanager(folder / "alertmanager", url, interval="1s") as source:
        for first in range(0, rounds, _KILL_EACH):
            with serving(folder / "data", "--port", str(port)) as program:
                for _ in range(min(_KILL_EACH, rounds - first)):
                    outcome.changes += _change(source, firing, chance)
                    time.sleep(_ROUND)
                program.end(signal.SIGKILL)
                outcome.kills += 1
            time.sleep(chance.uniform(0, 2))
        with started(folder, port=port) as instance:
            with contextlib.suppress(AssertionError):
                wait_for(lambda: not unlike(source, instance))
            outcome.unlike = unlike(source, instance) | (source.active ^ firing)
        outcome.failed = source.count("notification_requests_failed_total")
    outcome.largest = most_in_one_body(log)
    return outcome


def _change(source: Alertmanager, firing: set[tuple[str, str]], chance: random.Random) -> int:
    """Let some alerts of a random rule start firing, or let some stop firing. Return the number of these alerts."""
    rule = chance.choice(list(SIZES))
    there = [name for name in (f"web-{number:03}" for number in range(SIZES[rule])) if (rule, name) in firing]
    away = sorted({f"web-{number:03}" for number in range(SIZES[rule])} - set(there))
    ending = len(there) > len(away)
    names = chance.sample(there if ending else away, chance.randint(1, len(there if ending else away)))
    if ending:
        source.resolve(rule, names)
        firing -= {(rule, name) for name in names}
    else:
        source.fire(rule, names)
        firing |= {(rule, name) for name in names}
    return len(names)


def most_in_one_body(log: Path) -> int:
    """Return the largest number of alerts that were read from one body."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        counts = "SELECT count(*) AS number FROM alert GROUP BY delivery_id"
        return int(connection.execute(f"SELECT max(number) FROM ({counts})").fetchone()[0])


def measure(folder: Path, rounds: int = 400) -> list[Figure]:
    outcome = churn(folder / "churn", rounds)
    with started(folder / "control") as instance, alertmanager(folder / "control", instance.url) as source:
        source.fire("DiskFull", [f"web-{number:03}" for number in range(30)], route="few")
        wait_for(lambda: len(open_in(instance.log)) > FEW)
        control = unlike(source, instance)
    note = f"{outcome.changes} changes, up to {outcome.largest} alerts in one body, {outcome.kills} x kill -9"
    return [
        Figure("Alertmanager: active there and not open here, or the other way round", len(outcome.unlike), "alerts",
               ("<=", 0), note),
        Figure("Alertmanager: requests that it had to repeat", outcome.failed, "", None, "while trayalert was dead"),
        Figure("control: max_alerts below the group's size", len(control), "alerts", (">=", 25), "of 30"),
    ]  # fmt: skip
