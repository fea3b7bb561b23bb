"""A listener whose limits are not live does not open."""

import time
from typing import Any

import pytest

from tests.listener.raw_connection import check_secret
from trayalert.domain.callback import Callback
from trayalert.listener import limits, self_check
from trayalert.listener.http_protocol import HttpProtocol, Response
from trayalert.listener.port import ListenerFault
from trayalert.listener.server import open_listener


async def receive(_: Callback) -> bool:
    return True


async def refusal() -> str:
    with pytest.raises(ListenerFault) as fault:
        await open_listener("127.0.0.1", 0, check_secret=check_secret, receive=receive)
    return str(fault.value)


async def test_a_sound_door_opens_after_a_check_of_milliseconds() -> None:
    begun = time.perf_counter()
    listener = await open_listener("127.0.0.1", 0, check_secret=check_secret, receive=receive)
    assert time.perf_counter() - begun < 0.1
    await listener.close()


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "no limits at all": ({}, "an over-large header would be accepted"),
    "longer lines": ({"max_line_size": 99_999}, "an over-long request line would be accepted"),
    "shorter lines": ({"max_line_size": 8190}, "a sound callback would be refused"),
    "larger headers": ({"max_field_size": 8190}, "an over-large header would be accepted"),
    "more headers": ({"max_headers": 128}, "too many headers would be accepted"),
}


@pytest.mark.parametrize("what", BROKEN)
async def test_a_limit_that_was_lost_keeps_the_door_shut(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    changes, reason = BROKEN[what]
    lost = limits.http_limits() | changes if changes else {}
    monkeypatch.setattr(limits, "http_limits", lambda: lost)

    assert (await refusal()).startswith(f"trayalert refuses to listen: {reason}.")


async def test_a_mistyped_limit_keeps_the_door_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "http_limits", lambda: {"max_line_sise": 1})

    assert "a limit is not known to this aiohttp" in await refusal()


async def test_without_the_c_parser_the_door_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_check, "parser_kind", lambda: "python")

    assert "aiohttp's C parser is missing" in await refusal()


async def test_without_the_deadline_for_headers_the_door_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    made = HttpProtocol.__init__

    def patient(self: HttpProtocol, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **more)
        self.deadline += 1

    monkeypatch.setattr(HttpProtocol, "__init__", patient)

    assert "the deadline for a request's headers does not hold" in await refusal()


async def test_where_connections_would_stay_open_the_door_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    made = HttpProtocol.__init__

    def staying(self: HttpProtocol, *arguments: Any, **more: Any) -> None:
        made(self, *arguments, **more)
        self._keepalive_timeout = 60

    monkeypatch.setattr(HttpProtocol, "__init__", staying)
    monkeypatch.setattr(Response, "force_close", lambda _: None)

    assert "a connection would stay open behind its answer" in await refusal()


async def test_with_larger_bodies_than_are_meant_the_door_stays_shut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LARGEST_BODY", limits.LARGEST_BODY * 2)

    assert "an over-large body would be accepted" in await refusal()
