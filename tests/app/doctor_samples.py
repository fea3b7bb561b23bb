"""What the doctor's tests share: functions that run single checks, and a stand-in for a running instance."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from trayalert.app.control.control_protocol import GetStatus, ProbeReachability, Reply
from trayalert.app.control.control_server import Replies, open_control
from trayalert.app.diagnostics.doctor.check_context import RemoteLookups
from trayalert.app.diagnostics.doctor.doctor import CHECKS, examine
from trayalert.app.platform.places import Places, find_places
from trayalert.clock import now
from trayalert.domain.check_result import Check, Verdict
from trayalert.domain.listener_state import ListenerState
from trayalert.services.presentation.status import InstanceStatus, instance_record

NAMES = [
    "screen", "tray", "notifications", "session bus", "keyring", "listener", "limits", "port", "tls", "log", "disk",
    "tunnel", "public probe", "dns", "clock", "versions",
]  # fmt: skip
DAY = 24 * 3_600_000
BARE: dict[str, Any] = {
    "DISPLAY": None, "WAYLAND_DISPLAY": None, "DBUS_SESSION_BUS_ADDRESS": None, "XDG_RUNTIME_DIR": None,
    "https_proxy": "http://127.0.0.1:9", "no_proxy": None,
}  # fmt: skip
"""An environment without a desktop, in which every HTTPS request fails."""

LOOKUPS = RemoteLookups(
    resolve=lambda _: ("8.8.8.8",),
    expiry=lambda _host, _port: now() + 90 * DAY,
    ahead=lambda _: 0,
    proxied=lambda _: False,
    console=lambda _: "https://console.invalid",
)


def examine_some(
    tmp_path: Path, *names: str, settings: str = "", beyond: RemoteLookups = LOOKUPS, places: Places | None = None
) -> dict[str, Check]:
    """Run only the checks with these names, and return the results by name."""
    places = places or find_places(str(tmp_path / "data"))
    if settings:
        places.make()
        places.settings.write_text(settings)
    checks = [line for line in CHECKS if line[0] in names]
    return {check.name: check for check in examine(places, beyond, checks=checks)}


def examine_one(tmp_path: Path, name: str, **more: Any) -> tuple[Verdict, str, str]:
    check = examine_some(tmp_path, name, **more)[name]
    return check.verdict, check.said, check.do or ""


@contextmanager
def running_instance(tmp_path: Path, running: InstanceStatus, probe: dict[str, Any], **more: Any) -> Iterator[Places]:
    """Run a stand-in for a running instance, which only answers on the control socket."""
    places = find_places(str(tmp_path / "data"))
    places.make()

    async def get_status(_: GetStatus, instance: InstanceStatus) -> Reply:
        return {"running": {**instance_record(instance), **more}}

    async def send_probe(_: ProbeReachability, __: InstanceStatus) -> Reply:
        return probe

    replies: Replies[InstanceStatus] = {GetStatus: get_status, ProbeReachability: send_probe}

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(open_control(places.socket, replies, running))
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


OPEN = InstanceStatus(
    mode="tray", pid=4711, http_parser="c", listener=ListenerState(host="127.0.0.1", port=8765, open=True)
)
