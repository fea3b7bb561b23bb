"""A listener that has a certificate."""

import asyncio
import errno
import ssl
import time
from pathlib import Path

import pytest

from tests.listener.certificates import make_pair
from tests.listener.raw_connection import RunningListener, listening, request, status
from tests.program import run, serving
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.port import ListenerFault
from trayalert.listener.tls import Certificate


def client(**changes: ssl.TLSVersion) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    for name, version in changes.items():
        setattr(context, name, version)
    return context


async def ask(server: RunningListener, content: bytes, context: ssl.SSLContext | None = None) -> tuple[int, bytes]:
    """Send a request. Return the status of the response and the certificate of the server."""
    reader, writer = await asyncio.open_connection(server.listener.host, server.listener.port, ssl=context or client())
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.write(content)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return status(answer), shown


def in_der(certificate: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.read_text())


async def test_callbacks_come_in_over_tls_and_only_over_it(tmp_path: Path) -> None:
    pair = make_pair(tmp_path)
    async with listening(certificate=Certificate(*pair)) as server:
        assert await ask(server, request(body=b"x")) == (200, in_der(pair[0]))
        assert await ask(server, request("GET", "/")) == (404, in_der(pair[0]))
        async with server.connect() as connection:
            await connection.send(request(body=b"in the clear"))
            assert b"HTTP" not in await connection.read_to_end()

    assert [callback.body for callback in server.received] == [b"x"]


async def test_tls_1_2_is_the_oldest_that_is_spoken(tmp_path: Path) -> None:
    async with listening(certificate=Certificate(*make_pair(tmp_path))) as server:
        assert (await ask(server, request(body=b"x"), client(maximum_version=ssl.TLSVersion.TLSv1_2)))[0] == 200
        old = client()
        old.set_ciphers("ALL:@SECLEVEL=0")
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await ask(server, request(body=b"x"), old)


async def test_a_renewed_pair_is_used_without_a_restart(tmp_path: Path) -> None:
    reported: list[str | None] = []
    pair = make_pair(tmp_path)
    async with listening(certificate=Certificate(*pair, report=reported.append, check_interval=0)) as server:
        first = (await ask(server, request(body=b"x")))[1]
        make_pair(tmp_path)
        second = (await ask(server, request(body=b"x")))[1]

    assert first != second == in_der(pair[0])
    assert reported == [None]


@pytest.mark.parametrize("which", ["certificate.pem", "key.pem"])
@pytest.mark.parametrize("content", [None, b"", b"nonsense"])
async def test_a_broken_new_pair_leaves_the_old_one_in_use_and_is_told(
    tmp_path: Path, which: str, content: bytes | None
) -> None:
    reported: list[str | None] = []
    pair = make_pair(tmp_path)
    shown = in_der(pair[0])
    async with listening(certificate=Certificate(*pair, report=reported.append, check_interval=0)) as server:
        if content is None:
            (tmp_path / which).unlink()
        else:
            (tmp_path / which).write_bytes(content)
        for _ in range(3):
            assert await ask(server, request(body=b"x")) == (200, shown)
        assert len(reported) == 1  # reported once, not once per connection
        make_pair(tmp_path)
        assert (await ask(server, request(body=b"x")))[1] != shown

    assert str(reported[0]).endswith("The one before is still in use.")
    assert reported[1:] == [None]


async def test_a_pair_that_may_be_read_again_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str | None] = []
    pair = make_pair(tmp_path)
    async with listening(certificate=Certificate(*pair, report=reported.append, check_interval=0)) as server:
        make_pair(tmp_path)
        with monkeypatch.context() as patched:
            # a change of the file mode would not keep root from reading the file
            patched.setattr(Path, "read_bytes", _may_not)
            assert (await ask(server, request(body=b"x")))[0] == 200
        assert "cannot be read" in str(reported[-1])
        shown = (await ask(server, request(body=b"x")))[1]

    assert reported[-1] is None
    assert shown == in_der(pair[0])


def _may_not(_: Path) -> bytes:
    raise PermissionError(errno.EACCES, "Permission denied")


async def shakes_hands(folder: Path) -> float:
    """Return the seconds for which a client that shook hands may stay without a whole head."""
    async with listening(certificate=Certificate(*make_pair(folder))) as server:
        begun = time.monotonic()
        where = (server.listener.host, server.listener.port)
        reader, writer = await asyncio.open_connection(*where, ssl=client())
        writer.write(b"POST /hook/wrong HTTP/1.1\r\nX: ")
        async with asyncio.timeout(7):
            assert await reader.read() == b""
        writer.close()
        return time.monotonic() - begun


async def does_not_shake_hands(folder: Path) -> float:
    """Return the seconds for which a client may stay without a handshake."""
    counts = ListenerCounts()
    async with listening(certificate=Certificate(*make_pair(folder)), max_connections=3, counts=counts) as server:
        begun = time.monotonic()
        async with server.connect() as first, server.connect() as second, server.connect() as third:
            await second.send(b"\x16\x03\x01\x02")
            await asyncio.sleep(0.1)
            assert (await ask(server, request(body=b"x")))[0] == 200
            assert await first.read_to_end() == b""
            assert counts.evicted == 1
            async with asyncio.timeout(8):
                assert await second.reader.read() == b""
                assert await third.reader.read() == b""
        return time.monotonic() - begun


@pytest.fixture(scope="module")
def handshake_seconds(tmp_path_factory: pytest.TempPathFactory) -> tuple[float, float]:
    """Run both clients at the same time, because most of the time they only wait."""

    async def both() -> tuple[float, float]:
        with_handshake, without = (tmp_path_factory.mktemp(name) for name in ("with", "without"))
        return await asyncio.gather(shakes_hands(with_handshake), does_not_shake_hands(without))

    return asyncio.run(both())


@pytest.mark.alone
def test_who_shakes_hands_has_5_s_for_its_head(handshake_seconds: tuple[float, float]) -> None:
    assert 4.5 < handshake_seconds[0] < 6


@pytest.mark.alone
def test_who_does_not_shake_hands_is_hung_up_on_within_8_s_and_counts_in_the_cap(
    handshake_seconds: tuple[float, float],
) -> None:
    assert 4.5 < handshake_seconds[1] < 8


def test_a_pair_that_cannot_be_used_is_told_in_a_sentence(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)
    (tmp_path / "other").mkdir()
    _, other = make_pair(tmp_path / "other")
    (tmp_path / "text").write_text("nonsense")
    for pair, reason in {
        (tmp_path / "no", key): f"the TLS certificate {tmp_path / 'no'} cannot be read: No such file or directory.",
        (certificate, tmp_path / "no"): f"the TLS key {tmp_path / 'no'} cannot be read: No such file or directory.",
        (certificate, other): f"the TLS certificate {certificate} and the key {other} cannot be used: key values mis",
        (tmp_path / "text", key): f"the TLS certificate {tmp_path / 'text'} and the key {key} cannot be used: ",
    }.items():
        with pytest.raises(ListenerFault) as fault:
            Certificate(*pair)
        assert str(fault.value).startswith(reason)


def test_the_program_listens_with_tls_and_its_own_commands_trust_it(tmp_path: Path) -> None:
    certificate, key = make_pair(tmp_path)
    settings = f'tls_certificate = "{certificate}"\ntls_key = "{key}"\nallowed_hosts = ["alerts.example.com"]\n'
    tmp_path.joinpath("settings.toml").write_text(settings)
    with serving(tmp_path) as running:
        assert running.address.startswith("https://127.0.0.1:")
        assert running.run("url").out.startswith(f"{running.address}/hook/")
        sent = running.run("send")
        assert (sent.status, sent.err) == (0, "")
        assert running.run("status", "--json").objects[0]["callback_url"] == f"{running.address}/hook/***"


def test_the_program_does_not_start_without_its_pair(tmp_path: Path) -> None:
    tmp_path.joinpath("settings.toml").write_text('tls_certificate = "/no/such.pem"\ntls_key = "/no/such.key"\n')
    done = run("serve", "--port", "0", data_dir=tmp_path)

    assert (done.status, done.out) == (1, "")
    assert done.err == "trayalert: the TLS certificate /no/such.pem cannot be read: No such file or directory.\n"
