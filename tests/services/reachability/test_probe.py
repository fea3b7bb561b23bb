"""The probe with a real listener, through a reverse proxy that may give wrong answers."""

import asyncio
import contextlib
import gzip
import logging
import re
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.listener.certificates import self_signed, server_context
from tests.listener.raw_connection import RunningListener, listening, request, status
from trayalert.domain.callback import SENDER_TIMEOUT
from trayalert.domain.reachability import ProbeResult, Reachability
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules
from trayalert.services.http_client import HttpClient, HttpFailure, HttpResult
from trayalert.services.reachability.probe import MAX_PENDING, ProbeTiming, SelfProbe
from trayalert.services.reachability.probe_messages import ProbeMessages

DEFAULT_TIMING = ProbeTiming()
PAGE = b"<!DOCTYPE html><title>Log in</title>"

Forward = Callable[[bytes], Awaitable[bytes]]
ProxyBehaviour = Callable[[bytes, Forward], Awaitable[bytes | None]]
"""What a proxy does with a request, which it may forward.

Returns the proxy's answer, or None to close the connection.
"""


@dataclass
class ProbeSetup:
    """A listener, its probe, and all requests that the proxies in front of the listener have received."""

    endpoint: RunningListener
    probe: SelfProbe
    counts: ListenerCounts
    seen: list[bytes] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The token of the latest probe that a proxy has received."""
        result: list[bytes] = re.findall(rb"/hook/(\S+)", self.seen[-1])
        return result[-1].decode()

    async def probe_url(self, url: str) -> ProbeResult:
        return await self.probe.probe(url, listener_address=f"127.0.0.1:{self.endpoint.listener.port}")

    async def probe_through(self, behaviour: ProxyBehaviour) -> ProbeResult:
        async with self.proxy(behaviour) as port:
            return await self.probe_url(f"http://127.0.0.1:{port}")

    @asynccontextmanager
    async def proxy(self, behaviour: ProxyBehaviour, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
        async def forward(content: bytes) -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.endpoint.listener.port)
            writer.write(content)
            answer = await reader.read()
            writer.close()
            return answer

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                content = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", content)
                content += await reader.readexactly(int(length[1]) if length else 0)
                self.seen.append(content)
                answer = await behaviour(content, forward)
                writer.write(answer or b"")
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls) as server:
            yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def probe_setup(
    trust: ssl.SSLContext | None = None,
    *,
    timing: ProbeTiming = DEFAULT_TIMING,
    monotonic: Callable[[], float] = time.monotonic,
    # the machine that runs the tests may have no network
    own_addresses: Callable[[], frozenset[str]] = lambda: frozenset({"10.0.0.1"}),
    **rules: object,
) -> AsyncIterator[ProbeSetup]:
    client = HttpClient(ssl_context=trust, own_addresses=own_addresses)
    probe, counts = SelfProbe(http_client=client, timing=timing, monotonic=monotonic), ListenerCounts()
    endpoint_rules = AccessRules(respond_to_probe=probe.answer, on_probe_refused=probe.record_rejection, **rules)  # type: ignore[arg-type]
    async with listening(rules=endpoint_rules, counts=counts) as endpoint:
        yield ProbeSetup(endpoint, probe, counts)


@pytest.fixture
async def here(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ProbeSetup]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    async with probe_setup() as here:
        yield here


async def pass_on(content: bytes, forward: Forward) -> bytes:
    return await forward(content)


def answers(status_: int, body: bytes = b"", *headers: str) -> ProxyBehaviour:
    async def behaviour(_: bytes, __: Forward) -> bytes:
        lines = [f"HTTP/1.1 {status_} Whatever", f"Content-Length: {len(body)}", *headers, "", ""]
        return "\r\n".join(lines).encode() + body

    return behaviour


def changes_answer(change: Callable[[bytes], bytes | None]) -> ProxyBehaviour:
    async def behaviour(content: bytes, forward: Forward) -> bytes | None:
        return change(await forward(content))

    return behaviour


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


async def test_a_probe_that_comes_through_says_reachable_and_is_no_callback(here: ProbeSetup) -> None:
    result = await here.probe_through(pass_on)

    assert (result.reach, result.reason) == (Reachability.REACHABLE, None)
    assert result.duration_ms is not None
    assert 0 <= result.duration_ms < 5000
    assert (here.counts.own_probes, here.counts.stored, here.counts.strangers, here.counts.probes) == (1, 0, 0, 0)
    assert here.endpoint.received == []
    head = here.seen[0]
    assert head.startswith(b"POST /hook/")
    assert b"User-Agent: Apache-HttpClient/4.4.1 (Java/1.7.0_65)\r\n" in head
    assert b"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n" in head
    assert re.fullmatch(r"[A-Za-z0-9_-]{43,}", here.token)


async def test_a_way_that_packs_the_answer_is_a_way(here: ProbeSetup) -> None:
    def packed(answer: bytes) -> bytes:
        body = gzip.compress(answer.partition(b"\r\n\r\n")[2])
        return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    assert (await here.probe_through(changes_answer(packed))).reach is Reachability.REACHABLE


async def test_nobody_else_can_give_the_answer(here: ProbeSetup) -> None:
    proofs: list[bytes] = []

    def keep(answer: bytes) -> bytes:
        proofs.append(answer)
        return answer

    async def echo(content: bytes, _: Forward) -> bytes | None:
        return await answers(200, here.token.encode())(content, _)

    async def old(_: bytes, __: Forward) -> bytes:
        return proofs[0]

    assert (await here.probe_through(changes_answer(keep))).reach is Reachability.REACHABLE
    for behaviour in (echo, old, answers(200, b"ok\n"), answers(200), answers(204)):
        result = await here.probe_through(behaviour)
        assert result.reach is Reachability.BLIND
        assert "not as this trayalert" in (result.reason or "") or "answers 204" in (result.reason or "")

    async def to_another(content: bytes, _: Forward) -> bytes:
        async with probe_setup() as other:
            return await other.endpoint.send(content)

    assert "leads to another program or another trayalert" in str((await here.probe_through(to_another)).reason)


WRONG = {
    "redirect to https": (
        answers(301, b"", "Location: https://127.0.0.1/hook/x"),
        "sends all on to https. Write https",
    ),
    "redirect to another path": (answers(302, b"", "Location: /app/"), "to another path"),
    "redirect to a login": (
        answers(302, b"", "Location: http://login.hotel.example/?a={b}"),
        "sends all on to login.hotel",
    ),
    "redirect to nowhere": (answers(302, b"", "Location: http://[::1"), "answers 302, where trayalert answers 200"),
    "511": (answers(511, PAGE), "wants you to log in first"),
    "page": (answers(200, PAGE, "Content-Type: text/html"), "a web page that is not trayalert's"),
    "401": (answers(401), "a login or a firewall stands before it"),
    "403": (answers(403, PAGE), "a login or a firewall stands before it"),
    "404": (answers(404), "answers 404: it leads to another program"),
    "405": (answers(405), "it takes no POST"),
    "413": (answers(413), "takes no bodies"),
    "418": (answers(418), "answers 418, where trayalert answers 200"),
    "429": (answers(429), "asked too often"),
    "502": (answers(502, PAGE), "does not get through to trayalert on 127.0.0.1:{port}: it answers 502"),
    "503": (answers(503), "does not get through"),
    "504": (answers(504), "does not get through"),
    "530": (answers(530), "does not get through"),
    "a long page": (answers(200, b"x" * 1_000_000), "not as this trayalert"),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_wrong_answer_says_what_is_wrong_and_what_to_do(here: ProbeSetup, name: str) -> None:
    behaviour, expected = WRONG[name]

    result = await here.probe_through(behaviour)

    assert result.reach is Reachability.BLIND
    assert result.duration_ms is None
    assert expected.replace("{port}", str(here.endpoint.listener.port)) in str(result.reason)
    assert here.token not in str(result.reason)
    assert str(result.reason).endswith(".")


def changed(answer: bytes) -> bytes:
    return answer.replace(b" 200 ", b" 500 ", 1)


BACK = {
    "status": (changed, "answers 500"),
    "body": (lambda answer: answer[:-1] + b"!", "answers 200"),
    "gone": (lambda _: None, "hangs up without an answer"),
    "garbage": (lambda _: b"SSH-2.0-OpenSSH_9.2\r\n", "does not speak HTTP"),
    "cut off": (lambda answer: answer[:-10], "hangs up"),
}


@pytest.mark.parametrize("name", BACK)
async def test_where_it_came_in_and_the_answer_was_lost_that_is_said(here: ProbeSetup, name: str) -> None:
    change, expected = BACK[name]

    result = await here.probe_through(changes_answer(change))

    assert result.reach is Reachability.BLIND
    assert str(result.reason).startswith("Callbacks come in, but the answer is lost or changed on its way back")
    assert expected in str(result.reason)


async def test_who_speaks_no_http_or_hangs_up_is_told(here: ProbeSetup) -> None:
    async def garbage(_: bytes, __: Forward) -> bytes:
        return b"SSH-2.0-OpenSSH_9.2\r\n"

    async def nothing(_: bytes, __: Forward) -> None:
        return None

    assert "does not speak HTTP" in str((await here.probe_through(garbage)).reason)
    assert "hangs up without an answer" in str((await here.probe_through(nothing)).reason)
    assert "refuses connections" in str((await here.probe_url(f"http://127.0.0.1:{free_port()}")).reason)
    assert "Nothing is called no-such.invalid" in str((await here.probe_url("http://no-such.invalid/x")).reason)


async def test_it_waits_no_longer_than_cloud_monitor(here: ProbeSetup) -> None:
    assert DEFAULT_TIMING.timeout == SENDER_TIMEOUT

    async def hang(_: bytes, __: Forward) -> None:
        await asyncio.sleep(30)

    async def drip(_: bytes, __: Forward) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx" + await asyncio.sleep(0, b"")

    async with probe_setup(timing=ProbeTiming(timeout=0.3)) as hasty:
        assert "does not answer within 0.3 s" in str((await hasty.probe_through(hang)).reason)
        assert (await hasty.probe_through(drip)).reach is Reachability.BLIND


async def test_a_name_server_that_hangs_holds_nothing_up(here: ProbeSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    hanging = asyncio.run_coroutine_threadsafe

    def hang(*_: object, **__: object) -> None:
        hanging(ended.wait(), loop).result()
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    async with probe_setup(timing=ProbeTiming(timeout=0.3)) as hasty:
        monkeypatch.setattr(socket, "getaddrinfo", hang)
        result = await hasty.probe_url("http://alerts.example.com")
        ended.set()

    assert "alerts.example.com does not answer within" in str(result.reason)


async def test_with_no_network_that_is_what_is_said(here: ProbeSetup) -> None:
    async with probe_setup(own_addresses=frozenset) as offline:
        result = await offline.probe_url("http://no-such.invalid")

    assert (result.reach, result.reason) == (
        Reachability.BLIND,
        "This computer has no network: nothing can come in until it is connected.",
    )


# ---- how the listener answers probes


@asynccontextmanager
async def held(setup: ProbeSetup, *, probes: int = 1) -> AsyncIterator[list[bytes]]:
    """Start probes one after another through a proxy that does not answer yet. Yield the tokens of the probes."""
    released = asyncio.Event()

    async def hold(_: bytes, __: Forward) -> None:
        await released.wait()

    tokens: list[bytes] = []
    async with setup.proxy(hold) as port, asyncio.TaskGroup() as tasks:
        for number in range(1, probes + 1):
            tasks.create_task(setup.probe_url(f"http://127.0.0.1:{port}"))
            async with asyncio.timeout(10):
                while len(setup.seen) < number:  # noqa: ASYNC110 - no event says that the proxy has received a probe
                    await asyncio.sleep(0.001)
            tokens.append(setup.token.encode())
        yield tokens
        released.set()


async def test_a_probe_is_answered_once_and_only_as_long_as_it_is_out(here: ProbeSetup) -> None:
    clock = [1000.0]
    async with probe_setup(monotonic=lambda: clock[0]) as there, held(there, probes=2) as (token, late):
        first, second = [await there.endpoint.send(request("GET", f"/hook/{token.decode()}")) for _ in range(2)]
        clock[0] += DEFAULT_TIMING.lifetime

        assert (status(first), status(second)) == (200, 404)
        assert token not in first
        assert there.probe.answer(late) is None


async def test_a_late_probe_is_still_a_probe(here: ProbeSetup) -> None:
    clock = [1000.0]
    async with probe_setup(monotonic=lambda: clock[0]) as there, held(there) as (token,):
        clock[0] += DEFAULT_TIMING.lifetime - 1

        assert there.probe.answer(token) is not None


async def test_few_are_out_at_once_and_no_bytes_raise(here: ProbeSetup) -> None:
    async with held(here, probes=MAX_PENDING + 1) as tokens:
        assert [here.probe.answer(token) is None for token in tokens] == [True] + [False] * MAX_PENDING
        for odd in (b"", b"\xff\xfe\x00", tokens[1][:-1], tokens[1] + b"x", tokens[1].upper(), b"x" * 100_000):
            assert here.probe.answer(odd) is None
        assert SelfProbe().answer(tokens[-1]) is None


async def test_a_host_that_the_settings_do_not_allow_is_told_by_our_own_door(here: ProbeSetup) -> None:
    async with probe_setup(allowed_hosts=frozenset({"alerts.example.com"})) as strict:
        result = await strict.probe_through(pass_on)

        assert result.reach is Reachability.BLIND
        assert str(result.reason).startswith("A probe came in, but was turned away by trayalert's own rules")
        assert f'its host name is "127.0.0.1:{strict.seen[0].split(b":")[2][:5].decode().strip()}"' in str(
            result.reason
        )
        assert (strict.counts.turned_away, strict.counts.probes, strict.counts.strangers) == (0, 0, 0)


async def test_our_own_address_need_not_be_cloud_monitors(here: ProbeSetup) -> None:
    async with probe_setup(admits=lambda _: False) as strict:
        assert (await strict.probe_through(pass_on)).reach is Reachability.REACHABLE


async def test_neither_token_nor_proof_is_logged(here: ProbeSetup, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept: list[bytes] = []
    for behaviour in (pass_on, changes_answer(lambda answer: kept.append(answer) or changed(answer)), answers(404)):  # type: ignore[func-returns-value]
        await here.probe_through(behaviour)
        assert here.token not in caplog.text
    assert kept[0].rpartition(b"\n")[2].decode() not in caplog.text


# ---- TLS


async def test_tls_faults_are_told_apart(here: ProbeSetup, tmp_path: Path) -> None:
    good = self_signed(tmp_path / "good")
    cases = {
        "has expired": self_signed(tmp_path / "old", end="20200102000000Z"),
        "is for another name": self_signed(tmp_path / "other", names="DNS:other.example"),
        "signed by nobody": None,
    }
    for expected, pair in cases.items():
        trust = ssl.create_default_context(cafile=pair) if pair else None
        async with probe_setup(trust=trust) as there, there.proxy(pass_on, tls=server_context(pair or good)) as port:
            result = await there.probe_url(f"https://127.0.0.1:{port}")
        assert result.reach is Reachability.BLIND
        assert expected in str(result.reason)

    trust = ssl.create_default_context(cafile=good)
    async with probe_setup(trust=trust) as there, there.proxy(pass_on, tls=server_context(good)) as port:
        assert (await there.probe_url(f"https://127.0.0.1:{port}")).reach is Reachability.REACHABLE
        assert (await there.probe_url(f"http://127.0.0.1:{port}")).reach is Reachability.BLIND
        plain = await there.probe_url(f"https://127.0.0.1:{there.endpoint.listener.port}")
        assert "does not speak TLS" in str(plain.reason)


# ---- proxies of the local network


async def test_the_proxy_of_the_environment_asks_for_us(here: ProbeSetup, monkeypatch: pytest.MonkeyPatch) -> None:
    async def forwards(content: bytes, forward: Forward) -> bytes:
        return await forward(re.sub(rb"http://alerts\.example\.com", b"", content, count=1))

    async with here.proxy(forwards) as port:
        monkeypatch.setenv("http_proxy", f"http://anna:p%40ss@127.0.0.1:{port}")
        result = await here.probe_url("http://alerts.example.com")
        monkeypatch.setenv("no_proxy", "alerts.example.com,127.0.0.1")
        around = await here.probe_url("http://alerts.example.com")
        assert (await here.probe_url(f"http://127.0.0.1:{here.endpoint.listener.port}")).reach is Reachability.REACHABLE

    assert result.reach is Reachability.REACHABLE
    assert b"Proxy-Authorization: Basic YW5uYTpwQHNz\r\n" in here.seen[0]
    assert around.reach is Reachability.BLIND
    assert len(here.seen) == 1
    assert here.seen[0].startswith(b"POST http://alerts.example.com/hook/")


async def test_a_proxy_hands_tls_on_unread(here: ProbeSetup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pair, connect_requests = self_signed(tmp_path / "good", names="DNS:alerts.example.com"), []

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connect_requests.append(await reader.readuntil(b"\r\n\r\n"))
        there, back = await asyncio.open_connection("127.0.0.1", behind)
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        await asyncio.gather(pump(reader, back), pump(there, writer))

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while content := await reader.read(65536):
                writer.write(content)
        writer.close()

    trust = ssl.create_default_context(cafile=pair)
    async with (
        probe_setup(trust=trust) as there,
        there.proxy(pass_on, tls=server_context(pair)) as behind,
        await asyncio.start_server(connect, "127.0.0.1", 0) as proxy,
    ):
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}")
        result = await there.probe_url("https://alerts.example.com")

    assert result.reach is Reachability.REACHABLE, result.reason
    assert connect_requests[0].startswith(b"CONNECT alerts.example.com:443 ")
    assert there.token.encode() not in connect_requests[0]


async def test_a_proxy_that_does_not_ask_for_us_proves_nothing(
    here: ProbeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    for behaviour in (answers(407), None):
        async with here.proxy(behaviour or pass_on) as port:
            where = port if behaviour else free_port()
            for scheme in ("http", "https"):
                monkeypatch.setenv(f"{scheme}_proxy", f"anna:secret@127.0.0.1:{where}")
                result = await here.probe_url(f"{scheme}://alerts.example.com")
                assert result.reach is Reachability.UNKNOWN
                assert str(result.reason).startswith(
                    f"The proxy 127.0.0.1:{where}, which asks for this computer, cannot"
                )
                assert "secret" not in str(result.reason)
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1080")
    assert "it is no HTTP proxy" in str((await here.probe_url("http://alerts.example.com")).reason)


@pytest.mark.parametrize(
    "proxy", ["http://[bad:hunter2", "::::hunter2", "http://anna:hunter2@", "http://anna:hunter2@h:99999"]
)
async def test_a_proxy_that_is_no_address_proves_nothing_and_is_not_told(
    here: ProbeSetup, monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    result = await here.probe_url("http://alerts.example.com")
    assert result.reach is Reachability.UNKNOWN
    assert str(result.reason).startswith("The proxy whose address makes no sense, which asks for this computer, cannot")
    assert "hunter2" not in str(result.reason)


async def test_a_wrong_answer_through_a_proxy_names_the_proxy(
    here: ProbeSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with here.proxy(answers(502)) as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        result = await here.probe_url("http://alerts.example.com")

    assert result.reach is Reachability.BLIND
    assert str(result.reason).endswith(f"(Asked through the proxy 127.0.0.1:{port}.)")


@pytest.mark.parametrize("failure", HttpFailure)
def test_each_failure_of_a_request_has_its_sentence(failure: HttpFailure) -> None:
    result = HttpResult(failure=failure, detail="some {detail}", proxy="proxy.example:3128")
    messages = ProbeMessages("https://h.example/hidden", result, listener_address="127.0.0.1:1", seconds=5, size=44)

    sentence = messages.not_delivered()
    assert re.fullmatch(r"(The |This |There |Nothing |What |h\.example ).*[.)]", sentence)
    assert "hidden" not in sentence


async def test_passwords_of_netrc_stay_where_they_are(
    here: ProbeSetup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("default login anna password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    await here.probe_through(pass_on)

    assert b"Authorization" not in here.seen[0]
    assert b"Cookie" not in here.seen[0]
