"""A real X desktop for the tests: Xvfb, session bus, window manager, panel with a tray, notification daemon.

The desktop has its own display, session bus, and runtime and configuration folders. It changes nothing on the
computer's real desktop, and leaves no files behind. `desktop_programs.py` lists the Debian packages that the desktop
needs. Screenshots also need fonts-noto-cjk and fonts-noto-color-emoji.
"""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from tests.command_server import CommandServer
from tests.desktop.harness.desktop_programs import Program, missing_packages, wait_until, xfce_notifyd
from tests.desktop.harness.session_bus import SessionBus

Panel = Literal["xfce4-panel", "tint2"]
Notifier = Literal["xfce4-notifyd", "dunst"]

NOTIFICATIONS = "org.freedesktop.Notifications"

_KEPT = ("PATH", "HOME", "USER", "LOGNAME", "PYTHONPATH", "VIRTUAL_ENV")
_CLASSES = {"xfce4-notifyd": "xfce4-notifyd", "dunst": "Dunst"}
_SETTLED = 0.4
"""A window counts as laid out when its position and size have not changed for this number of seconds."""
_FILES = Path(__file__).parent / "files"
_CLIPBOARD = "from PySide6.QtGui import QGuiApplication as G; import sys; sys.stdout.write(G([]).clipboard().text())"


@dataclass(frozen=True, slots=True)
class Window:
    """A window on the screen. `x` and `y` are the position of its upper left corner, in pixels."""

    id: int
    x: int
    y: int
    width: int
    height: int


class Desktop:
    """A running desktop. `close` ends all programs of the desktop.

    `env` is the environment for programs under test. `commands` runs trayalert commands in this environment.
    """

    def __init__(
        self,
        *,
        panel: Panel | None = "xfce4-panel",
        notifier: Notifier | None = "xfce4-notifyd",
        size: tuple[int, int] = (1280, 800),
        dark: bool = False,
    ) -> None:
        self._programs: list[Program] = []
        self._daemon: tuple[Notifier, Program] | None = None
        self._panel: Program | None = None
        self._bus: SessionBus | None = None
        self.root = Path(tempfile.mkdtemp(prefix="desktop-"))
        try:
            self._start(panel, notifier, size, dark=dark)
        except BaseException:
            self.close()
            raise

    def _start(self, panel: Panel | None, notifier: Notifier | None, size: tuple[int, int], *, dark: bool) -> None:
        for folder in ("run", "config", "cache", "data", "state"):
            (self.root / folder).mkdir(mode=0o700)
        self.env = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "DISPLAY": self._start_screen(size),
            "LANG": "C.UTF-8",
            "NO_AT_BRIDGE": "1",
            "QT_NO_XDG_DESKTOP_PORTAL": "1",  # the bus has no portal, so Qt would log a warning
            "XDG_RUNTIME_DIR": str(self.root / "run"),
            "XDG_CONFIG_HOME": str(self.root / "config"),
            "XDG_CACHE_HOME": str(self.root / "cache"),
            "XDG_DATA_HOME": str(self.root / "data"),
            "XDG_STATE_HOME": str(self.root / "state"),
            "XDG_SESSION_TYPE": "x11",
            "XDG_CURRENT_DESKTOP": "XFCE",
        }
        if dark:
            self.env["GTK_THEME"] = "Adwaita:dark"
        self._write_configuration(size)
        self._bus = SessionBus(self.root / "run", self.env)
        self._bus.offer_xfconf()
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self._bus.address
        self.commands = CommandServer(self.env)
        self._run("openbox")
        if notifier:
            self.start_notifier(notifier)
        if panel:
            self.start_panel(panel)

    def _start_screen(self, size: tuple[int, int]) -> str:
        options = f"-screen 0 {size[0]}x{size[1]}x24 -dpi 96 -noreset"
        self._screen, display = start_x_server(*options.split())
        return display

    def _write_configuration(self, size: tuple[int, int]) -> None:
        config = self.root / "config"
        channels = config / "xfce4/xfconf/xfce-perchannel-xml"
        channels.mkdir(parents=True)
        panel = (_FILES / "xfce4-panel.xml").read_text()
        place = f"p=8;x={size[0] // 2};y={size[1] - 14}"
        (channels / "xfce4-panel.xml").write_text(panel.replace("PLACE", place))
        for name in ("dunst/dunstrc", "tint2/tint2rc"):
            (config / name).parent.mkdir()
            shutil.copy(_FILES / Path(name).name, config / name)

    def _run(self, *arguments: str) -> Program:
        program = Program(arguments, env=self.env, log=self.root / f"{Path(arguments[0]).name}.log")
        self._programs.append(program)
        return program

    def start_notifier(self, name: Notifier) -> None:
        """Start the given notification daemon, and wait until it owns the name of notification daemons on the bus."""
        path = str(xfce_notifyd()) if name == "xfce4-notifyd" else name
        self._daemon = (name, self._run(path))
        wait_until(lambda: self.owned(NOTIFICATIONS), f"{name} owns {NOTIFICATIONS}")

    def stop_notifier(self) -> None:
        """End the notification daemon. To programs on the bus, this looks like a crash."""
        if self._daemon is not None:
            self._daemon[1].stop()
            self._daemon = None
            wait_until(lambda: not self.owned(NOTIFICATIONS), f"nobody owns {NOTIFICATIONS}")

    def start_panel(self, name: Panel) -> None:
        """Start the given panel, and wait until its tray is there."""
        self._panel = self._run(name)
        wait_until(self._tray_there, f"{name} shows a tray", within=20)

    def stop_panel(self) -> None:
        """End the panel. To programs on the desktop, this looks like a crash."""
        if self._panel is not None:
            self._panel.stop()
            self._panel = None
            wait_until(lambda: not self._tray_there(), "there is no tray")

    @property
    def bus(self) -> SessionBus:
        assert self._bus is not None
        return self._bus

    @property
    def bus_address(self) -> str:
        return self.bus.address

    def owned(self, name: str) -> bool:
        """Return whether any program owns the given name on the bus."""
        output = self._output(
            "dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/org/freedesktop/DBus",
            "org.freedesktop.DBus.NameHasOwner", f"string:{name}",
        )  # fmt: skip
        return "true" in output

    def tray_items(self) -> list[str]:
        """Return the names of the tray items that the tray knows. Each name has the form `service/path`."""
        output = self._output(
            "dbus-send", "--session", "--print-reply", "--dest=org.kde.StatusNotifierWatcher",
            "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties.Get",
            "string:org.kde.StatusNotifierWatcher", "string:RegisteredStatusNotifierItems",
        )  # fmt: skip
        return re.findall(r'string "(.+)"', output)

    def _tray_there(self) -> bool:
        return self.owned("org.kde.StatusNotifierWatcher") or bool(self.windows("--class", "tint2"))

    def _output(self, *arguments: str) -> str:
        return subprocess.run(arguments, env=self.env, capture_output=True, text=True, timeout=30, check=False).stdout

    def windows(self, *search: str) -> list[Window]:
        """Return the visible windows that `xdotool search` finds with the given options, from top to bottom."""
        found = []
        for number in self._output("xdotool", "search", "--onlyvisible", *search).split():
            output = self._output("xdotool", "getwindowgeometry", "--shell", number)
            at = dict(re.findall(r"^(X|Y|WIDTH|HEIGHT)=(-?\d+)$", output, re.MULTILINE))
            if len(at) == 4:  # if not, the window was closed between the two commands
                found.append(Window(int(number), int(at["X"]), int(at["Y"]), int(at["WIDTH"]), int(at["HEIGHT"])))
        return sorted(found, key=lambda window: (window.y, window.x))

    def notifications(self) -> list[Window]:
        """Return the notification windows.

        xfce4-notifyd opens a window for each notification. dunst shows all notifications in one window.
        """
        if self._daemon is None:
            return []
        return self.windows("--class", _CLASSES[self._daemon[0]])

    def notification(self, *, within: float = 10.0) -> Window:
        """Return the topmost notification window.

        First wait until no notification has appeared, moved or grown for _SETTLED seconds.
        """
        last: list[Window] = []
        since = time.monotonic()

        def settled() -> Window | None:
            nonlocal since
            found = self.notifications()
            if found != last:
                last[:], since = found, time.monotonic()
            return last[0] if last and time.monotonic() - since > _SETTLED else None

        return wait_until(settled, "a notification on the screen", within=within)

    def click(self, x: int, y: int) -> None:
        """Click with the left button at the given point of the screen."""
        # GTK ignores a button press until the pointer has entered the window, hence the pause. `mousemove --sync` would
        # hang if the pointer is already there.
        self._output("xdotool", "mousemove", str(x), str(y), "sleep", "0.2", "click", "1")

    def double_click(self, x: int, y: int) -> None:
        """Double-click with the left button at the given point of the screen."""
        self._output("xdotool", "mousemove", str(x), str(y), "sleep", "0.2", "click", "--repeat", "2", "1")

    def press(self, *keys: str) -> None:
        """Press the given keys, such as `ctrl+c`, in the window that has the focus."""
        self._output("xdotool", "key", "--delay", "40", *keys)

    def write(self, text: str) -> None:
        """Type a string into the window that has the focus."""
        self._output("xdotool", "type", "--delay", "4", text)

    def focus(self, window: Window) -> None:
        """Give a window the focus, and wait until the window has it."""
        number = str(window.id)

        def focused() -> bool:
            self._output("xdotool", "windowfocus", number)
            return self._output("xdotool", "getwindowfocus").strip() == number

        wait_until(focused, f"window {number} has the focus")

    def minimised(self, name: str) -> bool:
        """Return whether a window of the given class is minimised, but still listed in the taskbar."""
        numbers = self._output("xdotool", "search", "--class", name).split()
        states = [self._output("xprop", "-id", number, "_NET_WM_STATE", "WM_STATE") for number in numbers]
        return any("Iconic" in state and "_NET_WM_STATE_SKIP_TASKBAR" not in state for state in states)

    def minimise(self, window: Window) -> None:
        self._output("xdotool", "windowminimize", str(window.id))

    def clipboard(self) -> str:
        return self._output(sys.executable, "-c", _CLIPBOARD)

    def click_notification(self) -> None:
        """Click on the text of the topmost notification."""
        window = self.notification()
        self.click(window.x + window.width // 2, window.y + 20)

    def click_notification_button(self, from_right: int = 0) -> None:
        """Click on a button of the topmost notification. The rightmost button has the number 0.

        Only xfce4-notifyd draws buttons.
        """
        window = self.notification()
        self.click(window.x + window.width - 60 - 126 * from_right, window.y + window.height - 30)

    def shot(self, path: Path) -> Path:
        """Save a screenshot of the whole screen, and return its path."""
        subprocess.run(["import", "-window", "root", str(path)], env=self.env, check=True, timeout=30)
        return path

    def close(self) -> None:
        if hasattr(self, "commands"):
            self.commands.close()
        for program in reversed(self._programs):
            program.stop()
        if self._bus is not None:
            self._bus.stop()
        screen = getattr(self, "_screen", None)
        if screen is not None:
            screen.terminate()
            screen.wait(10)
        shutil.rmtree(self.root, ignore_errors=True)


def start_x_server(*options: str) -> tuple[subprocess.Popen[bytes], str]:
    """Start an Xvfb, and return its process and its display.

    Xvfb itself chooses a free display, so two servers never get the same display.
    """
    reading, writing = os.pipe()
    try:
        server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(writing), "-nolisten", "tcp", *options],
            pass_fds=[writing],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    finally:
        os.close(writing)
    with os.fdopen(reading) as output:
        number = output.readline().strip()  # empty if Xvfb ended without opening a display
    if not number:
        raise RuntimeError("Xvfb found no free display")
    return server, f":{number}"


@contextlib.contextmanager
def running_desktop(
    *,
    panel: Panel | None = "xfce4-panel",
    notifier: Notifier | None = "xfce4-notifyd",
    size: tuple[int, int] = (1280, 800),
    dark: bool = False,
) -> Iterator[Desktop]:
    """Run a desktop until the block ends. If programs are missing, fail the test and name their Debian packages."""
    wanted = ["Xvfb", "dbus-daemon", "dbus-send", "openbox", "xdotool", "xprop", "import", panel, notifier]
    missing = missing_packages(*(name for name in wanted if name))
    if missing:
        pytest.fail(f"the desktop tests need these Debian packages: {' '.join(missing)}", pytrace=False)
    desktop = Desktop(panel=panel, notifier=notifier, size=size, dark=dark)
    try:
        yield desktop
    finally:
        desktop.close()
