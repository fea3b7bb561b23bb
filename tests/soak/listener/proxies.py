"""Proves that trayalert works with nginx and haproxy in front of it, which add TLS.

Each callback must be stored exactly once, and no sender may get a 502 or 504. The control is a trayalert that lets the
proxy keep each connection, but closes the connection 20 ms later.
"""

import asyncio
import os
import pwd
import shutil
import sqlite3
import ssl
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.figures import Figure
from tests.listener.certificates import make_pair
from tests.program import wait_for
from tests.soak.harness.exchange import Client, Request
from tests.soak.harness.instance import started
from tests.soak.harness.load import alert
from tests.sshd import free_port, is_listening

KEPT, LANES, BURST = 2_400, 24, 300
"""KEPT requests go over LANES persistent connections. BURST requests go over new connections at the same time."""
LARGE = 40
"""Number of bodies of 200 KB for each proxy. trayalert accepts 64 MiB of large bodies within an hour."""

CONTROL = "tests.soak.controls.closes_kept"


@contextmanager
def nginx(folder: Path, upstream: int, *settings: str) -> Iterator[int]:
    """Run nginx with TLS as a proxy for the port `upstream`, and yield the port on which nginx listens."""
    port, (certificate, key) = free_port(), make_pair(folder)
    # if root runs nginx, nginx would run its workers as another user, who cannot access the folder
    user = f"user {pwd.getpwuid(0).pw_name};" if os.geteuid() == 0 else ""
    temporary = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("fastcgi", "uwsgi", "scgi"))
    text = f"""
        daemon off; {user} pid {folder}/pid; error_log stderr; events {{ worker_connections 2048; }}
        http {{
            access_log off; {temporary} client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            client_max_body_size 1m;
            upstream trayalert {{ server 127.0.0.1:{upstream}; keepalive 32; }}
            server {{
                listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; ssl_certificate_key {key};
                location / {{ proxy_pass http://trayalert; {" ".join(settings)} }}
            }}
        }}"""
    path = folder / "nginx.conf"
    path.write_text(text)
    with _running("nginx", "-p", folder, "-e", "stderr", "-c", path, port=port, output=folder / "output"):
        yield port


@contextmanager
def haproxy(folder: Path, upstream: int, *settings: str) -> Iterator[int]:
    """Run haproxy with TLS as a proxy for the port `upstream`, and yield the port on which haproxy listens."""
    port, pair, path = free_port(), folder / "pair.pem", folder / "haproxy.cfg"
    pair.write_bytes(b"".join(one.read_bytes() for one in make_pair(folder)))
    lines = [
        "global", "maxconn 1000",
        "defaults", "mode http", "timeout connect 5s", "timeout client 30s", "timeout server 30s", *settings,
        "frontend public", f"bind 127.0.0.1:{port} ssl crt {pair}", "default_backend trayalert",
        "backend trayalert", f"server one 127.0.0.1:{upstream}",
    ]  # fmt: skip
    path.write_text("\n".join([*lines, ""]))
    with _running("haproxy", "-db", "-f", path, port=port, output=folder / "output"):
        yield port


@contextmanager
def _running(name: str, *arguments: str | Path, port: int, output: Path) -> Iterator[None]:
    program = shutil.which(name, path=os.environ.get("PATH", "") + os.pathsep + "/usr/sbin")
    assert program, f"there is no {name}: make setup NEEDS=soak installs it (Debian: {name})"
    with output.open("wb") as file, subprocess.Popen([program, *arguments], stdout=file, stderr=file) as process:
        try:
            wait_for(lambda: process.poll() is not None or is_listening(port))
            assert process.poll() is None, output.read_text()
            yield
        finally:
            process.terminate()


_KEEP = ("proxy_http_version 1.1;", 'proxy_set_header Connection "";')

PROXIES: dict[str, Callable[[Path, int], AbstractContextManager[int]]] = {
    "nginx": nginx,
    "nginx, keep-alive to trayalert": lambda folder, upstream: nginx(folder, upstream, *_KEEP),
    "nginx, keep-alive, unbuffered": lambda folder, upstream: nginx(
        folder, upstream, *_KEEP, "proxy_request_buffering off;"
    ),
    "haproxy, http-reuse always": lambda folder, upstream: haproxy(folder, upstream, "http-reuse always"),
}


@dataclass(slots=True)
class Outcome:
    """The result of sending callbacks through a proxy.

    `lost` has the resources that are not in the log. `repeated` has the resources that were delivered more than once.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    connections: int = 0
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)

    @property
    def sent(self) -> int:
        return self.statuses.total()

    @property
    def refused(self) -> int:
        return self.sent - self.statuses[200]


def pass_through(
    folder: Path,
    proxy: Callable[[Path, int], AbstractContextManager[int]],
    *,
    kept: int = KEPT,
    burst: int = BURST,
    large: int = LARGE,
    module: str = "trayalert",
) -> Outcome:
    """Send callbacks of all shapes through a proxy.

    `kept` callbacks go over persistent connections, then `burst` callbacks over new connections at the same time, and
    then `large` callbacks with large bodies.
    """
    outcome = Outcome()
    with started(folder, module=module) as instance:
        parts = urlsplit(instance.url)
        with proxy(folder, parts.port or 0) as port:
            url = f"https://127.0.0.1:{port}{parts.path}"
            for requests, lanes in (
                (shapes("kept", kept), LANES),
                (shapes("burst", burst), burst),
                ([Request(f"i-large-{number}", _long(f"i-large-{number}", 200_000)) for number in range(large)], 4),
            ):
                asyncio.run(_send_all(url, requests, lanes, outcome))
                stored = deliveries_of(instance.log)
                outcome.lost += [one.resource for one in requests if not stored[one.resource]]
                outcome.repeated += [one.resource for one in requests if stored[one.resource] > 1]
    return outcome


def shapes(name: str, count: int) -> list[Request]:
    """Return `count` callbacks of four shapes in turn.

    The shapes are a form, a GET with a query of 5 KB, a form that waits for 100 Continue, and a chunked form.
    """
    return [_shaped(f"i-{name}-{number}", number % 4) for number in range(count)]


def _shaped(resource: str, shape: int) -> Request:
    match shape:
        case 0:
            return Request(resource, alert(resource))
        case 1:
            return Request(resource, _long(resource, 5_000), method="GET")
        case 2:
            return Request(resource, alert(resource), expects=True)
        case _:
            return Request(resource, alert(resource), chunked=True)


def _long(resource: str, length: int) -> bytes:
    body = alert(resource)
    return body + b"&note=" + b"x" * (length - len(body))


async def _send_all(url: str, requests: Sequence[Request], lanes: int, outcome: Outcome) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    waiting = iter(requests)

    async def lane() -> None:
        client = Client(url, context)
        for request in waiting:
            outcome.statuses[(await client.send(request)).status] += 1
        client.close()
        outcome.connections += client.opened

    await asyncio.gather(*(lane() for _ in range(lanes)))


def deliveries_of(log: Path) -> Counter[str]:
    """Return how often the alert about each resource was delivered. The query does not use trayalert's code."""
    with closing(sqlite3.connect(f"{log.as_uri()}?mode=ro", uri=True)) as connection:
        return Counter(dict(connection.execute("SELECT resource_id, sum(deliveries) FROM alert GROUP BY resource_id")))


def measure(folder: Path) -> list[Figure]:
    figures = []
    for number, (name, proxy) in enumerate(PROXIES.items()):
        outcome = pass_through(folder / str(number), proxy)
        note = f"of {outcome.sent} over {outcome.connections} connections, statuses {dict(outcome.statuses)}"
        figures += [
            Figure(f"{name}: not answered with 200", outcome.refused, "", ("<=", 0), note),
            Figure(f"{name}: lost, or stored twice", len(outcome.lost + outcome.repeated), "", ("<=", 0)),
        ]
    control = pass_through(
        folder / "control", PROXIES["nginx, keep-alive to trayalert"], burst=0, large=0, module=CONTROL
    )
    return [
        *figures,
        Figure("control: keeps connections and closes them", control.refused, "", (">=", 1), f"of {control.sent}"),
    ]
