"""Retries and disorder: each alert is sent one to four times, in any order.

An oracle says which incidents must be open in the end. The oracle does not use the program's code, and considers only
what the rules meant, not the order of arrival.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Figure
from tests.soak.harness.instance import Instance, started
from tests.soak.harness.load import alert
from tests.soak.harness.steady import ask
from trayalert.clock import now

MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class PlannedAlert:
    """One alert as the rule meant it. `run` is its transId, or empty if the service sends none."""

    resource: str
    at: int
    state: str
    level: str
    run: str = ""

    def body(self, chance: random.Random) -> bytes:
        """Return the alert as the body of one delivery. Each delivery has a different signature."""
        return alert(
            self.resource,
            timestamp=str(self.at),
            alertState=self.state,
            triggerLevel=self.level if self.state == "ALERT" else "OK",
            transId=self.run,
            signature=f"{chance.getrandbits(64):x}",
        )


def firing(planned: Sequence[PlannedAlert]) -> set[str]:
    """Return the resources that are firing: the oracle.

    A resource is firing if its latest alert is not an OK. If an ALERT has the same time as an OK, the ALERT counts.
    """
    latest: dict[str, PlannedAlert] = {}
    for one in sorted(planned, key=lambda one: (one.at, one.state == "ALERT")):
        latest[one.resource] = one
    return {resource for resource, one in latest.items() if one.state == "ALERT"}


def without_runs(chance: random.Random, resources: int, since: int) -> list[PlannedAlert]:
    """Return alerts of a service that sends no transId. The alerts may be sent in any order."""
    return [
        PlannedAlert(
            f"i-plain-{number}", since + minute * MINUTE, chance.choice(("ALERT", "ALERT", "OK")), chance.choice(LEVELS)
        )
        for number in range(resources)
        for minute in chance.sample(range(12), chance.randint(1, 6))
    ]


LEVELS = ("CRITICAL", "WARN", "INFO")


def lone_runs(chance: random.Random, resources: int, since: int) -> list[PlannedAlert]:
    """Return one run for each resource, to be sent quickly and in any order.

    Therefore an OK may be received before its ALERT.
    """
    planned = []
    for number in range(resources):
        run, length = f"run-{number}", chance.randint(1, 3)
        level = chance.choice(LEVELS)
        planned += [
            PlannedAlert(f"i-lone-{number}", since + minute * MINUTE, "ALERT", level, run) for minute in range(length)
        ]
        if chance.random() < 0.6:
            planned.append(PlannedAlert(f"i-lone-{number}", since + length * MINUTE, "OK", level, run))
    return planned


def runs_with_lost_oks(chance: random.Random, resources: int, since: int) -> list[PlannedAlert]:
    """Return consecutive runs, to be sent in order.

    Some runs have no OK, and are replaced by the next run.
    """
    planned = []
    for number in range(resources):
        minute = 0
        for turn in range(chance.randint(2, 4)):
            run = f"run-{number}-{turn}"
            planned.append(PlannedAlert(f"i-runs-{number}", since + minute * MINUTE, "ALERT", "WARN", run))
            if chance.random() < 0.5:
                planned.append(PlannedAlert(f"i-runs-{number}", since + (minute + 1) * MINUTE, "OK", "WARN", run))
            minute += 2
    return planned


@dataclass(slots=True)
class OrderOutcome:
    """The result of sending the planned alerts."""

    planned: int
    sent: int
    statuses: set[int]
    swallowed: list[PlannedAlert] = field(default_factory=list)
    miscounted: int = 0
    """Alerts whose number of stored deliveries is not the number that was sent."""
    missing: set[str] = field(default_factory=set)
    """Resources that are firing according to the oracle, but have no open incident."""
    wrongly_open: set[str] = field(default_factory=set)
    """Resources that have an open incident but are not firing, or have two open incidents."""


def deliver(instance: Instance, planned: Sequence[PlannedAlert], *, seed: int, shuffled: bool = True) -> OrderOutcome:
    """Send every alert one to four times, and compare the result with the oracle.

    With `shuffled`, the order is random, and 16 connections are used at the same time.
    """
    chance = random.Random(seed)
    copies = {one: chance.randint(1, 4) for one in planned}
    deliveries = [one for one, number in copies.items() for _ in range(number)]
    if shuffled:
        chance.shuffle(deliveries)
    bodies = [one.body(chance) for one in deliveries]
    statuses = asyncio.run(_post_all(instance.url, bodies, 16 if shuffled else 1))
    outcome = OrderOutcome(len(copies), len(bodies), statuses)
    counted = Counter[tuple[object, ...]]()
    for row in instance.run("alerts", "--json", "--limit", "1000000").objects:
        name = (row["resource_id"], row["fields"]["timestamp"], row["state"], row["fields"]["transId"])
        counted[name] += row["deliveries"]
    for one, number in copies.items():
        found = counted[one.resource, str(one.at), one.state, one.run]
        outcome.swallowed += [one] * (not found)
        outcome.miscounted += found != number
    mine = {one.resource for one in planned}
    there = [row["resource_id"] for row in instance.run("incidents", "--json", "--open").objects]
    opened = [resource for resource in there if resource in mine]
    outcome.missing = firing(list(copies)) - set(opened)
    outcome.wrongly_open = {one for one in opened if one not in firing(list(copies)) or opened.count(one) > 1}
    return outcome


async def _post_all(url: str, bodies: Sequence[bytes], lanes: int) -> set[int]:
    async def lane(some: Sequence[bytes]) -> set[int]:
        return {await ask(url, body) for body in some}

    return set().union(*await asyncio.gather(*(lane(bodies[start::lanes]) for start in range(lanes))))


SHAPES = {
    "any order, no transId": (without_runs, True),
    "any order, a transId each": (lone_runs, True),
    "lost OKs, then a new transId": (runs_with_lost_oks, False),
}


def measure(folder: Path, resources: int = 600) -> list[Figure]:
    figures = []
    for number, (name, (make, shuffled)) in enumerate(SHAPES.items()):
        with started(folder / str(number)) as instance:
            planned = make(random.Random(number), resources, now() - 20 * MINUTE)
            outcome = deliver(instance, planned, seed=number, shuffled=shuffled)
        wrong = len(outcome.missing) + len(outcome.wrongly_open)
        note = (
            f"of {outcome.planned} alerts in {outcome.sent} deliveries, refused: {outcome.statuses - {200} or 'none'}"
        )
        figures += [
            Figure(
                f"{name}: swallowed or miscounted", len(outcome.swallowed) + outcome.miscounted, "", ("<=", 0), note
            ),
            Figure(f"{name}: not as the oracle says", wrong, "", ("<=", 0), f"of {resources} resources"),
        ]
    return figures
