"""What the tests of the doctor share: how to look at single lines, and a stand-in for a running instance."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trayalert.app.control.control_protocol import open_control
from trayalert.app.diagnostics.doctor.check_context import Outside
from trayalert.app.diagnostics.doctor.doctor import LINES, examine
from trayalert.app.platform.clock import now
from trayalert.app.platform.places import Places, find_places
from trayalert.domain.check_result import Check, Verdict
from trayalert.services.presentation.status import Door, Running

NAMES = [
    "screen", "tray", "notifications", "session bus", "keyring", "listener", "limits", "port", "tls", "log", "disk",
    "tunnel", "public probe", "dns", "clock", "versions",
]  # fmt: skip
DAY = 24 * 3_600_000
BARE: dict[str, Any] = {
    "DISPLAY": None, "WAYLAND_DISPLAY": None, "DBUS_SESSION_BUS_ADDRESS": None, "XDG_RUNTIME_DIR": None,
    "https_proxy": "http://127.0.0.1:9", "no_proxy": None,
}  # fmt: skip
"""No desktop, and no way out."""

HERE = Outside(
    resolve=lambda _: ("8.8.8.8",),
    expiry=lambda _host, _port: now() + 90 * DAY,
    ahead=lambda _: 0,
    proxied=lambda _: False,
    console=lambda _: "https://console.invalid",
)


def looked(
    tmp_path: Path, *names: str, settings: str = "", beyond: Outside = HERE, places: Places | None = None
) -> dict[str, Check]:
    """Look at some lines only."""
    places = places or find_places(str(tmp_path / "data"))
    if settings:
        places.make()
        places.settings.write_text(settings)
    lines = [line for line in LINES if line[0] in names]
    return {check.name: check for check in examine(places, beyond, lines=lines)}


def told(tmp_path: Path, name: str, **more: Any) -> tuple[Verdict, str, str]:
    check = looked(tmp_path, name, **more)[name]
    return check.verdict, check.said, check.do or ""


@contextmanager
def answering(tmp_path: Path, running: Running, probe: dict[str, Any], **more: Any) -> Iterator[Places]:
    """A running instance, as far as the control socket shows it."""
    places = find_places(str(tmp_path / "data"))
    places.make()

    async def answer(wish: dict[str, Any]) -> dict[str, Any]:
        return {"running": {**asdict(running), **more}} if wish.get("do") == "status" else probe

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(open_control(places.socket, answer))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield places
    finally:
        if server:
            loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


OPEN = Running(front="tray", pid=4711, http_parser="c", door=Door(host="127.0.0.1", port=8765, open=True))
