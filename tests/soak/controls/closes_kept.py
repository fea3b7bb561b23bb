"""A control: a trayalert that announces keep-alive, but closes the connection 20 ms after its answer."""

import asyncio

from trayalert.cli import main
from trayalert.listener import http_protocol, server

_MOMENT = 0.02
_write_eof = http_protocol.Response.write_eof


async def _write_and_wait(self: http_protocol.Response, data: bytes = b"") -> None:
    await _write_eof(self, data)
    await asyncio.sleep(_MOMENT)


async def _no_check(*_: object) -> None:
    """Replaces the self-check, which would find the fault of this control."""


if __name__ == "__main__":
    http_protocol._HEADERS["Connection"] = "keep-alive"
    setattr(http_protocol.Response, "write_eof", _write_and_wait)  # noqa: B010 - mypy rejects an assignment to a method
    setattr(server, "check_limits", _no_check)  # noqa: B010
    main()
