"""Proves that large bodies do no harm: memory stays bounded, and real alerts are stored in time.

Many senders send their large bodies slowly and at the same time. The control is aiohttp with its defaults, which keeps
all bodies in memory.
"""

import asyncio
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.soak.harness.exchange import Request, Response, drip, read_response
from tests.soak.harness.instance import Instance, started
from tests.soak.harness.load import alert
from tests.soak.harness.steady import SteadyResult, ask, meanwhile
from tests.soak.listener.traffic import burst

MIB = 1 << 20
SENDERS = 100
SLOWLY = 2.0
"""Seconds that each sender takes to send its body. trayalert waits for 3 s."""
AN_HOUR = 64
"""MiB of large bodies that trayalert accepts within an hour for each secret."""
PEAK, LEFT = 64.0, 24.0
"""MB by which memory may exceed the memory at rest: PEAK at the peak, and LEFT some seconds after the load."""
STEPS = 50
DEADLINE = 30.0
"""Seconds to wait for a response. After that time, the response counts as missing."""
GROUPS = "groups of alerts"
ALERTS = 500


def group(name: str) -> bytes:
    """Return the body of Alertmanager's callback for a group of 500 alerts."""
    alerts = [
        {
            "status": "firing",
            "labels": {"alertname": "DiskFull", "instance": f"{name}-{number}", "job": "node", "severity": "warning"},
            "annotations": {"summary": "the disk is full", "description": "x" * 1700},
            "startsAt": datetime.now(UTC).isoformat(),
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://prometheus.example.com/graph?g0.expr=up",
            "fingerprint": f"{name}-{number}",
        }
        for number in range(ALERTS)
    ]
    top = {"version": "4", "status": "firing", "receiver": "all", "groupKey": name, "truncatedAlerts": 0}
    return json.dumps(
        {**top, "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "alerts": alerts}
    ).encode()


def _filled(begin: bytes, part: bytes, end: bytes) -> bytes:
    """Return a body of at most 1 MiB: `begin`, then `part` as often as possible, then `end`."""
    return begin + part * ((MIB - len(begin) - len(end)) // len(part)) + end


BODIES: dict[str, Callable[[str], bytes]] = {
    GROUPS: group,
    "tiny objects": lambda name: _filled(b'[{"name":"%b"}' % name.encode(), b',{"a":1}', b"]"),
    "lists within lists": lambda name: _filled(b'{"%b":[[]' % name.encode(), b",[[]]", b"]}"),
    "emoji": lambda name: _filled(b'{"title":"%b ' % name.encode(), "\N{FIRE}".encode(), b'"}'),
    "many fields of a form": lambda name: _filled(b"name=%b" % name.encode(), b"&a=1", b""),
    "alerts within a form": lambda name: _filled(alert(name) + b"&note=", b"%E7%81%AB", b""),
}
"""For each kind of body, a function that takes a name and returns a body of about 1 MiB that contains the name."""


@dataclass(slots=True)
class Pressure:
    """The result of sending the large bodies.

    `peak` is the program's peak of memory, and `left` is its memory some seconds afterwards. Both are in MB above the
    memory at rest.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    without_time: int = 0
    """Number of 503 responses that do not say when to send the body again."""
    lost: int = 0
    """Number of groups that got a 200, but are not completely in the log."""
    peak: float = 0.0
    left: float = 0.0
    steady: SteadyResult = field(default_factory=SteadyResult)

    @property
    def refused(self) -> int:
        return self.statuses.total() - self.statuses[200]


def press(
    instance: Instance,
    kinds: Sequence[str],
    *,
    name: str = "large",
    url: str = "",
    seconds: float = SLOWLY,
    patience: float = 10.0,
) -> Pressure:
    """Let SENDERS senders send a large body each, while real alerts are sent.

    Each sender takes `seconds` for its body. The senders use the kinds of body in `kinds` in turn. The memory must fall
    again within `patience` seconds.
    """
    pressure = Pressure()
    senders = [(f"{name}-{number}", kind) for number, kind in zip(range(SENDERS), cycle(kinds), strict=False)]
    bodies = [BODIES[kind](sender) for sender, kind in senders]
    # first send some callbacks, because the program uses less memory before its first callbacks than afterwards
    burst(instance.url, alerts=500, connections=50)
    rest = instance.memory
    instance.reset_peak()
    with meanwhile(instance.url) as pressure.steady:
        answers = asyncio.run(_send_all(url or instance.url, bodies, seconds))
    pressure.peak = instance.peak - rest
    end = time.monotonic() + patience
    while instance.memory - rest > LEFT and time.monotonic() < end:
        time.sleep(0.05)
    pressure.left = instance.memory - rest
    for (sender, kind), answer in zip(senders, answers, strict=True):
        pressure.statuses[answer.status] += 1
        if answer.status == 503:
            pressure.without_time += not answer.headers.get("retry-after", "").isdecimal()
        elif answer.status == 200 and kind == GROUPS:
            pressure.lost += alerts_of(instance.log, sender) != ALERTS
    return pressure


async def _send_all(url: str, bodies: Sequence[bytes], seconds: float) -> list[Response]:
    return await asyncio.gather(*(send_slowly(url, body, seconds) for body in bodies))


async def send_slowly(url: str, body: bytes, seconds: float) -> Response:
    """Send a body in STEPS equal pieces over `seconds` seconds, and return the response.

    Sending stops as soon as a response comes. The status is 0 if no response comes within DEADLINE.
    """
    parts, request, length = urlsplit(url), Request("", body), -(-len(body) // STEPS)
    pieces = [body[start : start + length] for start in range(0, len(body), length)]
    sending: asyncio.Task[None] | None = None
    try:
        async with asyncio.timeout(DEADLINE):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            sending = asyncio.create_task(drip(writer, request.head(url), pieces, seconds / STEPS))
            return await read_response(reader)
    except (OSError, EOFError, TimeoutError, ValueError, IndexError):
        return Response(0)
    finally:
        if sending is not None:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()


def alerts_of(log: Path, name: str) -> int:
    """Return how many alerts of the named group are in the log. The query does not use trayalert's code."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT count(*) FROM alert WHERE resource_id GLOB ?", (f"{name}-*",))
        return int(found.fetchone()[0])


@dataclass(slots=True)
class Hour:
    """The result of using up the hourly limit of a secret.

    `taken` is the number of MiB that were accepted before the first refusal.
    """

    taken: int = 0
    refusal: Response = field(default_factory=lambda: Response(0))
    small: int = 0
    """The status of a small body that was sent afterwards with the same secret."""
    other: int = 0
    """The status of a large body that was sent afterwards with another secret."""


def use_up(instance: Instance) -> Hour:
    """Send bodies of 1 MiB with the same secret, one after the other, until a body is refused."""
    hour = Hour()
    body = _filled(alert("i-hour") + b"&note=", b"x", b"")
    first, second = (new_url(instance, name) for name in ("first", "second"))
    while hour.taken < 2 * AN_HOUR:
        hour.refusal = asyncio.run(send_slowly(first, body, 0))
        if hour.refusal.status != 200:
            break
        hour.taken += 1
    hour.small = asyncio.run(ask(first, alert("i-small")))
    hour.other = asyncio.run(send_slowly(second, body, 0)).status
    return hour


def new_url(instance: Instance, name: str) -> str:
    """Add a secret, and return its callback URL."""
    assert instance.run("secrets", "add", name).status == 0
    path = urlsplit(instance.run("url", "--name", name).out.strip()).path
    return instance.address + path


def turned_away(instance: Instance) -> tuple[int, str]:
    """Return the number of refused requests that had a right secret, and the reason for the last refusal."""
    counts = instance.run("status", "--json").objects[0]["door_counts"]
    return counts["turned_away"], counts["last_turned_away_why"] or ""


def measure(folder: Path, mixed: int = 3) -> list[Figure]:
    """Send each kind of body alone, and then all kinds together `mixed` times. Return the figures."""
    all_found: list[Pressure] = []
    with started(folder / "real") as instance:
        for number, kinds in enumerate([*([kind] for kind in BODIES), *[list(BODIES)] * mixed]):
            name = f"large-{number}"
            found = press(instance, kinds, name=name, url=new_url(instance, name))
            all_found.append(found)
            print(f"  {kinds[0] if len(kinds) == 1 else 'all kinds'}: {dict(found.statuses)},"
                  f" memory +{found.peak:.0f} MB, then +{found.left:.0f} MB, p99 {found.steady.p99:.0f}ms")  # fmt: skip
        reported = turned_away(instance)[0]
        hour = use_up(instance)
    with started(folder / "control", module="tests.soak.controls.unlimited_listener") as instance:
        control = press(instance, ["emoji"], patience=0)
    refused = sum(found.refused for found in all_found)
    wrong = sum(found.refused - found.statuses[503] + found.without_time for found in all_found)
    slowest = max(all_found, key=lambda found: found.steady.p99)
    what = f"{SENDERS} x 1 MiB, slowly"
    return [
        Figure(f"{what}: memory at its peak", max(found.peak for found in all_found), "MB", ("<=", PEAK), "above rest"),
        Figure(f"{what}: memory afterwards", max(found.left for found in all_found), "MB", ("<=", LEFT), "above rest"),
        Figure(f"{what}: neither 200 nor 503 with Retry-After", wrong, "", ("<=", 0), f"of {SENDERS * len(all_found)}"),
        Figure(f"{what}: not in status", abs(refused - reported), "refusals", ("<=", 0), f"of {refused}"),
        Figure(f"{what}: groups not stored whole", sum(found.lost for found in all_found), "", ("<=", 0)),
        Figure(f"{what}: real alerts refused", sum(found.steady.refused for found in all_found), "", ("<=", 0),
               f"of {sum(found.steady.sent for found in all_found)}"),
        Figure(f"{what}: real alerts, p99", slowest.steady.p99, "ms", ("<", 50), slowest.steady.beside),
        Figure("large bodies of one secret within an hour", hour.taken, "MiB", ("<=", AN_HOUR)),
        Figure("… then refused: a small one, or another secret's", 2 - (hour.small, hour.other).count(200), "",
               ("<=", 0)),
        Figure("control: aiohttp, which holds all of them", control.peak, "MB", (">=", PEAK), "above rest"),
    ]  # fmt: skip
