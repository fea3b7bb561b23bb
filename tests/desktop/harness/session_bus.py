"""A private D-Bus session bus. It can start only the services that a test has made available."""

import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.desktop.harness.desktop_programs import Program, wait_until

_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <servicedir>{services}</servicedir>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
  </policy>
</busconfig>
"""
_SERVICES = Path("/usr/share/dbus-1/services")


class SessionBus:
    """A session bus, started by the constructor.

    `root` must be a short path, because the path of the bus's socket may have at most 107 characters.
    """

    def __init__(self, root: Path, env: Mapping[str, str]) -> None:
        self._root = root
        self._env = env
        self._socket = root / "bus"
        self.services = root / "services"
        self.services.mkdir(exist_ok=True)
        self.address = f"unix:path={self._socket}"
        self._config = root / "bus.conf"
        self._config.write_text(_CONFIG.format(socket=self._socket, services=self.services))
        self._program = self._start()

    def _start(self) -> Program:
        self._socket.unlink(missing_ok=True)
        program = Program(
            ["dbus-daemon", "--nofork", "--nopidfile", f"--config-file={self._config}"],
            env=self._env,
            log=self._root / "bus.log",
        )
        wait_until(self._socket.is_socket, "the session bus listens")
        return program

    def offer_xfconf(self) -> None:
        """Let the bus start xfconf, Xfce's settings store, which the panel and the notification daemon need."""
        shutil.copy(_SERVICES / "org.xfce.Xfconf.service", self.services)

    def offer_notifier(self, command: str) -> None:
        """Let the bus start a notification daemon on demand. Must be called before the bus reads its service files."""
        service = f"[D-BUS Service]\nName=org.freedesktop.Notifications\nExec={command}\n"
        (self.services / "notifications.service").write_text(service)

    def restart(self) -> None:
        """End the bus and all its connections, and start the bus again at the same address."""
        self._program.stop()
        self._program = self._start()

    def stop(self) -> None:
        self._program.stop()
