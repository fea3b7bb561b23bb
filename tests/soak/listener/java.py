"""Lets a Java program send callbacks as Cloud Monitor does: with Apache HttpClient, a connection pool, 5 s and 3 tries.

The control is a trayalert that lets the pool keep each connection, but closes the connection 20 ms later.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Figure
from tests.soak.harness.instance import Instance, started
from tests.soak.listener.proxies import CONTROL, deliveries_of

CALLBACKS = 6_000
JARS = Path("/usr/share/java")
_CLASSES = ":".join(str(JARS / f"{name}.jar") for name in ("httpclient", "httpcore", "commons-logging"))


@dataclass(frozen=True, slots=True)
class SendingMode:
    """How callbacks are sent. `length` is the minimum length of a body in bytes."""

    name: str
    count: int = CALLBACKS
    threads: int = 24
    length: int = 0
    expects: bool = False
    chunked: bool = False


MODES = (
    SendingMode("plain"),
    SendingMode("Expect: 100-continue", expects=True),
    SendingMode("in chunks, after 100-continue", length=20_000, expects=True, chunked=True),
    SendingMode("200 threads", threads=200),
    SendingMode("bodies of 200 KB", count=100, threads=4, length=200_000),
    SendingMode("bodies of 200 KB, after 100-continue", count=100, threads=4, length=200_000, expects=True),
)


@dataclass(slots=True)
class Outcome:
    """What happened to the callbacks.

    `statuses` says how many tries got each status. `given_up` counts the callbacks for which all tries failed, `lost`
    those that are not in the log, and `stored_twice` those that are in the log more than once.
    """

    statuses: dict[str, int] = field(default_factory=dict)
    given_up: int = 0
    lost: int = 0
    stored_twice: int = 0

    @property
    def refused(self) -> int:
        return sum(number for status, number in self.statuses.items() if status != "200")


def send(instance: Instance, mode: SendingMode) -> Outcome:
    """Run the Java program, which ends when each callback has got a 200 or all its tries have failed."""
    java = shutil.which("java")
    assert java, "there is no Java: make setup NEEDS=soak installs it (Debian: default-jdk-headless)"
    name = re.sub(r"\W+", "-", mode.name)
    output = subprocess.run(
        [
            java,
            "-cp",
            _CLASSES,
            Path(__file__).with_name("Sender.java"),
            instance.url,
            name,
            str(mode.count),
            str(mode.threads),
            str(mode.length),
            "expect" if mode.expects else "-",
            "chunked" if mode.chunked else "-",
        ],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # the Java program prints an exception for each try with status 0
        text=True,
        timeout=600,
    ).stdout
    totals = {word: int(number) for word, number in (line.split() for line in output.splitlines())}
    stored = deliveries_of(instance.log)
    counts = [stored[f"i-{name}-{number}"] for number in range(mode.count)]
    return Outcome(
        {word: number for word, number in totals.items() if word.isdecimal()},
        totals["given-up"],
        counts.count(0),
        sum(count > 1 for count in counts),
    )


def measure(folder: Path) -> list[Figure]:
    figures = []
    with started(folder / "real") as instance:
        for mode in MODES:
            outcome = send(instance, mode)
            note = f"of {mode.count} over {mode.threads} threads, statuses {outcome.statuses}"
            figures += [
                Figure(f"Java, {mode.name}: tries without a 200", outcome.refused, "", ("<=", 0), note),
                Figure(f"Java, {mode.name}: lost, or stored twice", outcome.lost + outcome.stored_twice, "", ("<=", 0)),
            ]
    with started(folder / "control", module=CONTROL) as instance:
        control = send(instance, SendingMode("control", count=600))
    return [
        *figures,
        Figure("control: keeps connections and closes them", control.refused, "tries", (">=", 1), "of 600 callbacks"),
    ]
