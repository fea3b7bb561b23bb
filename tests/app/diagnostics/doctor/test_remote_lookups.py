"""The doctor's checks that ask other machines: certificates, names, clock, tunnel, probe."""

import http.server
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tests.app.doctor_samples import DAY, LOOKUPS, OPEN, examine_one, running_instance
from tests.listener.certificates import make_pair
from trayalert.app.diagnostics.doctor import remote_lookups
from trayalert.app.diagnostics.doctor.certificate_checks import not_after
from trayalert.clock import now
from trayalert.domain.reachability import Reachability, ReachabilityState
from trayalert.domain.tunnel import Phase, TunnelState


def test_a_certificate_is_looked_at_until_it_ends(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)  # valid for two days
    settings = f'tls_certificate = "{certificate}"\ntls_key = "{key}"\n'
    verdict, message, advice = examine_one(tmp_path, "tls", settings=settings)
    assert (verdict, "Renew it" in advice) == ("warn", True)
    assert "1 d 23 h" in message or "2 d" in message

    written = subprocess.run(
        ["openssl", "x509", "-enddate", "-noout", "-in", certificate], capture_output=True, check=True
    )
    end = written.stdout.decode().strip().removeprefix("notAfter=")
    assert not_after(certificate.read_text()) == int(ssl.cert_time_to_seconds(end)) * 1000

    command: list[str | Path] = [
        "openssl",
        "req",
        "-x509",
        "-key",
        key,
        "-subj",
        "/CN=x",
        "-days",
        "10950",
        "-out",
        certificate,
    ]
    # a certificate that ends after 2049: its end is written with four digits of the year
    subprocess.run(command, check=True, capture_output=True)
    assert not_after(certificate.read_text()) == pytest.approx(now() + 10950 * DAY, abs=DAY)
    key.chmod(0o600)
    assert examine_one(tmp_path, "tls", settings=settings)[0] == "ok"
    key.chmod(0o644)
    assert examine_one(tmp_path, "tls", settings=settings)[::2] == ("warn", f"chmod o= {key}")
    key.write_text("no key")
    assert examine_one(tmp_path, "tls", settings=settings)[0] == "fail"


@pytest.mark.parametrize("text", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_has_no_end(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        not_after(text)


PUBLIC = 'public_url = "https://alerts.example.com"'


@pytest.mark.parametrize(("days", "verdict"), [(90, "ok"), (13, "warn"), (-1, "fail")])
def test_the_public_certificate_is_looked_at_too(tmp_path: Path, days: int, verdict: str) -> None:
    beyond = replace(LOOKUPS, expiry=lambda _host, _port: now() + days * DAY)
    assert examine_one(tmp_path, "tls", settings=PUBLIC, beyond=beyond)[0] == verdict
    assert "was not looked at" in examine_one(tmp_path, "tls", beyond=replace(beyond, proxied=lambda _: True))[1]


def test_a_host_presents_its_certificate_and_one_that_is_not_trusted_is_told(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path, "localhost")
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    trusting.check_hostname = False
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        threading.Thread(target=_handshakes, args=(listening, server, 2), daemon=True).start()
        assert remote_lookups.expiry("127.0.0.1", port, context=trusting) == not_after(certificate.read_text())
        beyond = replace(LOOKUPS, expiry=remote_lookups.expiry)
        verdict, message, _ = examine_one(
            tmp_path, "tls", settings=f'public_url = "https://127.0.0.1:{port}"', beyond=beyond
        )
    assert verdict == "fail"
    assert "is not trusted: self-signed certificate" in message


def _handshakes(listening: socket.socket, context: ssl.SSLContext, count: int) -> None:
    for _ in range(count):
        plain, _ = listening.accept()
        try:
            context.wrap_socket(plain, server_side=True).close()
        except OSError:
            plain.close()


def _not_found(_: str) -> tuple[str, ...]:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("resolve", "verdict", "words"),
    [
        (lambda _: ("8.8.8.8", "2600::1"), "ok", "8.8.8.8, 2600::1"),
        (lambda _: ("8.8.8.8", "10.0.0.7"), "warn", "nobody reaches 10.0.0.7"),
        (lambda _: ("127.0.0.1",), "warn", "nobody reaches 127.0.0.1"),
        (lambda _: ("fe80::1%eth0",), "warn", "nobody reaches"),
        (_not_found, "fail", "Name or service not known"),
    ],
)
def test_dns_tells_whether_the_internet_finds_the_public_address(
    tmp_path: Path, resolve: Callable[[str], tuple[str, ...]], verdict: str, words: str
) -> None:
    found, message, advice = examine_one(tmp_path, "dns", settings=PUBLIC, beyond=replace(LOOKUPS, resolve=resolve))
    assert found == verdict
    assert words in message
    assert bool(advice) is (verdict != "ok")


def test_without_a_public_address_dns_tells_whether_names_can_be_looked_up(tmp_path: Path) -> None:
    assert examine_one(tmp_path, "dns")[0] == "ok"
    assert examine_one(tmp_path, "dns", beyond=replace(LOOKUPS, resolve=_not_found))[0] == "warn"
    assert (
        "by the proxy"
        in examine_one(tmp_path, "dns", beyond=replace(LOOKUPS, resolve=_not_found, proxied=lambda _: True))[1]
    )


@contextmanager
def web(ahead: int) -> Iterator[str]:
    """Run a web server without a page, whose clock is `ahead` seconds ahead of this computer's, and yield its URL."""

    class Page(http.server.BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or now() / 1000) + ahead)

        def do_HEAD(self) -> None:
            self.send_error(404)

        def log_message(self, *_: Any) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("ahead", "verdict", "words"), [(20, "ok", "agrees"), (-120, "warn", "ahead of"), (400, "fail", "6 min behind")]
)
def test_the_clock_is_held_against_the_consoles(tmp_path: Path, ahead: int, verdict: str, words: str) -> None:
    with web(ahead) as url:
        found, message, _ = examine_one(
            tmp_path, "clock", beyond=replace(LOOKUPS, ahead=remote_lookups.ahead, console=lambda _: url)
        )
    assert found == verdict
    assert words in message


def test_a_clock_that_cannot_be_compared_is_no_fault_of_its_own(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        verdict, message, _ = examine_one(
            tmp_path, "clock", beyond=replace(LOOKUPS, ahead=remote_lookups.ahead, console=lambda _: url)
        )
    assert verdict in {"ok", "warn"}
    assert "could not be compared" in message


REACHABLE = ReachabilityState(reach=Reachability.REACHABLE, public_url="https://alerts.example.com", probe_ms=42)
BLIND = ReachabilityState(reach=Reachability.BLIND, public_url="https://alerts.example.com", why="the tunnel is down.")


@pytest.mark.parametrize(
    ("answer", "verdict", "words"),
    [
        ({"reach": asdict(REACHABLE)}, "ok", "came back in 42 ms"),
        ({"reach": asdict(BLIND)}, "fail", "the tunnel is down."),
        ({"reach": asdict(ReachabilityState())}, "warn", "nothing proves"),
        ({"error": "it is being opened"}, "warn", "it is being opened"),
    ],
)
def test_the_probe_tells_what_the_running_instance_found(
    tmp_path: Path, answer: dict[str, Any], verdict: str, words: str
) -> None:
    with running_instance(tmp_path, OPEN, answer, reach={"public_url": "https://alerts.example.com"}) as places:
        found, message, _ = examine_one(tmp_path, "public probe", places=places)
    assert found == verdict
    assert words in message


def test_a_tunnel_is_its_program_and_how_it_is(tmp_path: Path) -> None:
    program = tmp_path / "frpc"
    settings = f'[tunnel]\nkind = "frpc"\nconfig = "/etc/frpc.toml"\nprogram = "{program}"\n'
    verdict, message, advice = examine_one(tmp_path, "tunnel", settings=settings)
    assert (verdict, "is not here" in message, "frpc" in advice) == ("fail", True, True)

    program.write_text("#!/bin/sh\nprintf '0.61.0\\033[31m\\nmore'\n")
    program.chmod(0o755)
    verdict, message, _ = examine_one(tmp_path, "tunnel", settings=settings)
    assert verdict == "ok"
    assert f"{program}, 0.61.0 [31m." in message

    for state, expected in ((Phase.UP, "ok"), (Phase.WAITING, "fail")):
        tunnel = asdict(TunnelState(kind="frpc", phase=state, url="https://a.example.com", why="frps says no."))
        with running_instance(tmp_path, OPEN, {}, tunnel=tunnel) as places:
            found, message, _ = examine_one(tmp_path, "tunnel", places=places)
        assert found == expected
        assert ("https://a.example.com" if expected == "ok" else "frps says no.") in message
