"""A Java program that sends as Cloud Monitor does: Apache HttpClient with a pool of connections, 5 s, 3 tries.

The control is a trayalert that lets the pool keep each connection and closes it a moment later.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.figures import Figure
from tests.soak.instance import Instance, started
from tests.soak.proxies import CONTROL, deliveries_of

CALLBACKS = 6_000
JARS = Path("/usr/share/java")
_CLASSES = ":".join(str(JARS / f"{name}.jar") for name in ("httpclient", "httpcore", "commons-logging"))


@dataclass(frozen=True, slots=True)
class Way:
    """How callbacks are sent. `length` is the least number of bytes of a body."""

    name: str
    count: int = CALLBACKS
    threads: int = 24
    length: int = 0
    expects: bool = False
    chunked: bool = False


WAYS = (
    Way("plain"),
    Way("Expect: 100-continue", expects=True),
    Way("in chunks, after 100-continue", length=20_000, expects=True, chunked=True),
    Way("200 threads", threads=200),
    Way("bodies of 200 KB", count=100, threads=4, length=200_000),
    Way("bodies of 200 KB, after 100-continue", count=100, threads=4, length=200_000, expects=True),
)


@dataclass(slots=True)
class Outcome:
    """How many tries got each status, and how many callbacks are not in the log, or are there twice."""

    statuses: dict[str, int] = field(default_factory=dict)
    given_up: int = 0
    lost: int = 0
    stored_twice: int = 0

    @property
    def refused(self) -> int:
        return sum(number for status, number in self.statuses.items() if status != "200")


def send(instance: Instance, way: Way) -> Outcome:
    """Run the program until it has an answer to each callback, or has given it up."""
    java = shutil.which("java")
    assert java, "there is no Java: make setup NEEDS=soak installs it (Debian: default-jdk-headless)"
    name = re.sub(r"\W+", "-", way.name)
    said = subprocess.run(
        [
            java,
            "-cp",
            _CLASSES,
            Path(__file__).with_name("Sender.java"),
            instance.url,
            name,
            str(way.count),
            str(way.threads),
            str(way.length),
            "expect" if way.expects else "-",
            "chunked" if way.chunked else "-",
        ],
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # an exception for each status 0
        text=True,
        timeout=600,
    ).stdout
    told = {word: int(number) for word, number in (line.split() for line in said.splitlines())}
    stored = deliveries_of(instance.log)
    counts = [stored[f"i-{name}-{number}"] for number in range(way.count)]
    return Outcome(
        {word: number for word, number in told.items() if word.isdecimal()},
        told["given-up"],
        counts.count(0),
        sum(count > 1 for count in counts),
    )


def measure(folder: Path) -> list[Figure]:
    """Figures of `make soak`."""
    figures = []
    with started(folder / "real") as instance:
        for way in WAYS:
            outcome = send(instance, way)
            note = f"of {way.count} over {way.threads} threads, statuses {outcome.statuses}"
            figures += [
                Figure(f"Java, {way.name}: tries without a 200", outcome.refused, "", ("<=", 0), note),
                Figure(f"Java, {way.name}: lost, or stored twice", outcome.lost + outcome.stored_twice, "", ("<=", 0)),
            ]
    with started(folder / "control", module=CONTROL) as instance:
        control = send(instance, Way("control", count=600))
    return [
        *figures,
        Figure("control: keeps connections and closes them", control.refused, "tries", (">=", 1), "of 600 callbacks"),
    ]
