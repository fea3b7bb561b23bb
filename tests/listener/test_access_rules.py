"""Access rules: which requests the admin allows, and what strangers can find out and use up."""

import time

import pytest

from tests.listener.raw_connection import SECRET, RunningListener, listening, request, status, without_date
from trayalert.domain.settings.settings import Settings
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules
from trayalert.listener.limits import ListenerLimits
from trayalert.services.access.source_address import SourceAddresses

RIGHT = f"/hook/{SECRET}"


async def is_accepted(server: RunningListener, *headers: str, host: str = "Host: door") -> bool:
    """Return whether a callback with the right secret is accepted.

    If the callback is refused, check that the answer is the same as the answer to a wrong path.
    """
    content = request("POST", RIGHT, *headers, body=b"x").replace(b"Host: door", host.encode())
    answer = await server.send(content)
    if status(answer) == 200:
        return True
    assert without_date(answer) == without_date(await server.send(request("GET", "/")))
    return False


async def test_nothing_with_an_origin_comes_in() -> None:
    async with listening() as server:
        assert await is_accepted(server)
        assert not await is_accepted(server, "Origin: https://evil.example")
        assert not await is_accepted(server, "oRiGiN: null")


async def test_who_has_the_secret_and_is_kept_out_all_the_same_is_no_probe_but_counted_with_the_reason() -> None:
    """The request may come from Cloud Monitor, through a tunnel that changes the host name."""
    counts = ListenerCounts()
    rules = AccessRules(allowed_hosts=frozenset(["door"]), admits=lambda sender: sender != "127.0.0.1")
    async with listening(counts=counts, rules=rules) as server:
        for headers, host, reason in (
            ((), "Host: tunnel", 'its host name is "tunnel", and allowed_hosts does not list that'),
            ((), "Host: ", 'its host name is "", and allowed_hosts does not list that'),
            ((), "Host: " + 200 * "x", 'its host name is "' + 99 * "x" + '…", and allowed_hosts'),
            (("Origin: null",), "Host: door", "it came from a page in a browser (it has an Origin)"),
            ((), "Host: door", "it came from 127.0.0.1, which Cloud Monitor does not document"),
        ):
            assert not await is_accepted(server, *headers, host=host)
            assert (counts.last_turned_away_why or "").startswith(reason)
        await server.send(request("PUT", RIGHT))
        assert counts.last_turned_away_why == "its method is PUT"
        await server.send(request("PUT", "/hook/wrong", "Origin: null"))

    assert (counts.turned_away, counts.probes, counts.stored) == (6, 1, 0)


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0", "3.0", "9.9"])
async def test_other_versions_of_http_are_broken(version: str) -> None:
    async with listening() as server:
        assert status(await server.send(request(version=version, body=b"x"))) == 400
        assert status(await server.send(request(version="1.0", body=b"x"))) == 200
        assert len(server.received) == 1


@pytest.mark.parametrize(
    ("allowed", "host", "inside"),
    [
        ("", "anything", True),
        ("alerts.example.com", "alerts.example.com", True),
        ("alerts.example.com", "ALERTS.example.COM", True),
        ("alerts.example.com", "alerts.example.com:8443", True),
        ("alerts.example.com", "alerts.example.com.evil", False),
        ("alerts.example.com", "evil", False),
        ("alerts.example.com", "", False),
        ("alerts.example.com:8443", "alerts.example.com:8443", True),
        ("alerts.example.com:8443", "alerts.example.com", False),
        ("alerts.example.com:8443", "alerts.example.com:1", False),
        ("[2001:db8::1]", "[2001:db8::1]", True),
        ("[2001:db8::1]", "[2001:db8::1]:80", True),
        ("[2001:db8::1]", "[2001:db8::2]", False),
    ],
)
async def test_only_hosts_that_are_listed_come_in(allowed: str, host: str, inside: bool) -> None:
    async with listening(rules=AccessRules(allowed_hosts=frozenset(filter(None, [allowed])))) as server:
        assert await is_accepted(server, host=f"Host: {host}") is inside


async def test_the_sender_is_whom_a_trusted_proxy_names() -> None:
    senders = SourceAddresses(Settings(trusted_proxies=("127.0.0.1/32",)))
    async with listening(rules=AccessRules(sender=senders.sender_address)) as server:
        assert await is_accepted(server, "X-Forwarded-For: 6.6.6.6, 47.74.206.3")
        assert await is_accepted(server, "X-Forwarded-For: 47.74.206.3", "X-Forwarded-For: 6.6.6.6")
    async with listening(rules=AccessRules(sender=SourceAddresses(Settings()).sender_address)) as other:
        assert await is_accepted(other, "X-Forwarded-For: 47.74.206.3")

    assert [callback.sender for callback in server.received] == ["47.74.206.3", "6.6.6.6"]
    assert [callback.sender for callback in other.received] == ["127.0.0.1"]


async def test_where_only_cloud_monitor_may_come_others_are_strangers() -> None:
    settings = Settings(only_cloud_monitor=True, trusted_proxies=("127.0.0.1/32",))
    senders = SourceAddresses(settings)
    async with listening(rules=AccessRules(sender=senders.sender_address, admits=senders.admits)) as server:
        assert await is_accepted(server, "X-Forwarded-For: 121.41.9.246")
        assert not await is_accepted(server, "X-Forwarded-For: 6.6.6.6")
        # without the header, nothing is known about the sender on the other side of the tunnel
        assert await is_accepted(server)


async def test_a_callback_tells_which_secret_let_it_in() -> None:
    async with listening() as server:
        await is_accepted(server)

    assert server.received[0].secret == "default"


async def test_strangers_who_come_too_often_are_told_so_and_callbacks_never() -> None:
    limits = ListenerLimits(strangers_at_once=5, strangers_a_second=0.001)
    counts = ListenerCounts()
    begun = time.time_ns() // 1_000_000
    async with listening(counts=counts, limits=limits) as server:
        answers = [await server.send(request("GET", path)) for path in ("/", "/hook/wrong") * 5]
        broken = await server.send(b"nonsense\r\n\r\n")
        for _ in range(20):
            assert await server.send(request(body=b"x"))

    assert [status(answer) for answer in answers] == [404] * 5 + [429] * 5
    assert status(broken) == 429
    assert without_date(answers[-1]) == without_date(answers[0]).replace(b"404 Not Found", b"429 Too Many Requests")
    assert (counts.requests, counts.stored, counts.strangers, counts.limited, counts.probes) == (31, 20, 11, 6, 5)
    assert counts.last_probe_from == "127.0.0.1"
    assert begun <= (counts.last_probe_at or 0) <= begun + 10_000
