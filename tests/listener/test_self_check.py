"""A listener does not open if one of its limits is not in force."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.listener.raw_connection import check_secret
from tests.program import run
from trayalert.domain.callback import Callback
from trayalert.listener.counts import ListenerCounts
from trayalert.listener.hook_endpoint import AccessRules, HookEndpoint
from trayalert.listener.http_protocol import HttpProtocol, Response
from trayalert.listener.limits import DEFAULT_LIMITS, ListenerLimits
from trayalert.listener.port import ListenerFault
from trayalert.listener.server import open_listener


async def receive(_: Callback) -> bool:
    return True


async def refusal(**broken: Any) -> str:
    with pytest.raises(ListenerFault) as fault:
        await open_listener("127.0.0.1", 0, check_secret=check_secret, receive=receive, **broken)
    return str(fault.value)


@pytest.mark.alone
async def test_a_sound_door_opens_after_a_check_of_milliseconds() -> None:
    begun = time.perf_counter()
    listener = await open_listener("127.0.0.1", 0, check_secret=check_secret, receive=receive)
    assert time.perf_counter() - begun < 0.1
    await listener.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class LostLimits(ListenerLimits):
    """Limits of which aiohttp gets other values than the listener was given."""

    lost: Mapping[str, Any] = field(default_factory=dict)

    def http_limits(self) -> dict[str, Any]:
        return dict(self.lost)


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no limits at all": ({}, "an over-large header would be accepted"),
    "longer lines": ({"max_line_size": 99_999}, "an over-long request line would be accepted"),
    "shorter lines": ({"max_line_size": 8190}, "a sound callback would be refused"),
    "larger headers": ({"max_field_size": 8190}, "an over-large header would be accepted"),
    "more headers": ({"max_headers": 128}, "too many headers would be accepted"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_limit_that_was_lost_keeps_the_door_shut(what: str) -> None:
    changes, reason = BROKEN[what]
    lost = DEFAULT_LIMITS.http_limits() | changes if changes else {}

    assert (await refusal(limits=LostLimits(lost=lost))).startswith(f"trayalert refuses to listen: {reason}.")


async def test_a_mistyped_limit_keeps_the_door_shut() -> None:
    assert "a limit is not known to this aiohttp" in await refusal(limits=LostLimits(lost={"max_line_sise": 1}))


def test_without_the_c_parser_the_door_stays_shut(tmp_path: Path) -> None:
    done = run("serve", "--port", "0", data_dir=tmp_path, AIOHTTP_NO_EXTENSIONS="1")

    assert (done.status, done.out) == (1, "")
    assert "aiohttp's C parser is missing" in done.err


class PatientProtocol(HttpProtocol):
    """Gives senders a second more for their headers than the limits say."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.deadline += 1


async def test_without_the_deadline_for_headers_the_door_stays_shut() -> None:
    assert "the deadline for a request's headers does not hold" in await refusal(protocol_class=PatientProtocol)


class StayingResponse(Response):
    """Leaves the connection open after the response."""

    def force_close(self) -> None:
        pass


class StayingProtocol(HttpProtocol):
    """Waits a minute for another request on the same connection."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._keepalive_timeout = 60

    def make_response(self, status: int, text: str = "", *, retry_after: int | None = None) -> Response:
        return StayingResponse(status, text, linger=self._linger, retry_after=retry_after)


async def test_where_connections_would_stay_open_the_door_stays_shut() -> None:
    assert "a connection would stay open behind its answer" in await refusal(protocol_class=StayingProtocol)


class LargeBodyProtocol(HttpProtocol):
    """Passes requests to an endpoint that accepts bodies twice as large as the limits say."""

    def __init__(self, server: web.Server, *arguments: Any) -> None:
        larger = ListenerLimits(largest_body=DEFAULT_LIMITS.largest_body * 2)
        endpoint = HookEndpoint(
            lambda _: "default", receive, counts=ListenerCounts(), rules=AccessRules(), limits=larger
        )
        super().__init__(server, *arguments)
        self._request_handler = endpoint.handle


async def test_with_larger_bodies_than_are_meant_the_door_stays_shut() -> None:
    assert "an over-large body would be accepted" in await refusal(protocol_class=LargeBodyProtocol)
