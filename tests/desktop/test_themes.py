"""The window is dark if the desktop is dark, as the desktop's portal says, or its files if there is no portal."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from tests.desktop.harness.application import Application
from tests.desktop.harness.desktop_programs import Program, wait_until
from tests.desktop.harness.session import Desktop

pytestmark = pytest.mark.desktop

PORTAL = Path(__file__).parent / "harness" / "stand_in_portal.py"
XSETTINGS = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xsettings" version="1.0">
  <property name="Net" type="empty"><property name="ThemeName" type="string" value="THEME"/></property>
  <property name="Gtk" type="empty"><property name="FontName" type="string" value="FONT"/></property>
</channel>
"""

Launch = Callable[..., Application]


@pytest.fixture
def launch(desktop: Desktop, tmp_path: Path) -> Iterator[Launch]:
    """Return a function that starts the application with only these configuration files."""
    started: list[Application] = []

    def start(files: dict[str, str] | None = None, **env: str) -> Application:
        config = tmp_path / "config"
        for name, content in (files or {}).items():
            (config / name).parent.mkdir(parents=True)
            (config / name).write_text(content)
        started.append(Application(desktop, tmp_path, env={"XDG_CONFIG_HOME": str(config), **env}))
        return started[-1]

    yield start
    for application in started:
        try:
            assert application.end() == 0
            assert application.error_output() == ""
        finally:
            application.stop()


@pytest.fixture
def portal(desktop: Desktop, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Return a function that sets what the desktop's portal reports: `any`, `dark` or `light`.

    The portal reports `dark` at first.
    """
    program = Program(
        [sys.executable, str(PORTAL), "dark"], env=desktop.env, log=tmp_path / "portal.log", stdin=subprocess.PIPE
    )
    wait_until(lambda: desktop.owned("org.freedesktop.portal.Desktop"), "the portal is there")

    def set_scheme(scheme: str) -> None:
        stdin = program.process.stdin
        assert stdin is not None
        stdin.write(f"{scheme}\n".encode())
        stdin.flush()

    yield set_scheme
    program.stop()


def paper(application: Application) -> int:
    """Return the lightness of the lower left corner of the window, from 0 to 255."""
    window = application.window()
    picture = QImage(str(application.desktop.shot(application.data_dir / "shot.png")))
    return picture.pixelColor(window.x + 30, window.y + window.height - 50).lightness()


def wait_for_look(application: Application, look: str) -> None:
    """Wait until the window is `dark` or `light`."""
    wait_until(lambda: (paper(application) < 100) == (look == "dark"), f"the window is {look}")


def xsettings(theme: str = "Adwaita", font: str = "Sans 10") -> dict[str, str]:
    content = XSETTINGS.replace("THEME", theme).replace("FONT", font)
    return {"xfce4/xfconf/xfce-perchannel-xml/xsettings.xml": content}


GTK_DARK = {"gtk-3.0/settings.ini": "[Settings]\ngtk-application-prefer-dark-theme=1\n"}


@pytest.mark.parametrize(
    ("files", "env", "look"),
    [
        ({}, {}, "light"),
        ({}, {"GTK_THEME": "Adwaita:dark"}, "dark"),
        (xsettings("Greybird-dark"), {}, "dark"),
        (xsettings("Arc-Darker") | GTK_DARK, {}, "light"),
        (xsettings("Greybird-dark"), {"XDG_CURRENT_DESKTOP": "GNOME"}, "light"),
        (GTK_DARK, {}, "dark"),
        ({"gtk-3.0/settings.ini": "no ini file"}, {}, "light"),
    ],
    ids=["nothing", "GTK_THEME", "xfce", "xfce before gtk", "xfce elsewhere", "gtk", "broken"],
)
def test_with_no_portal_the_files_decide(launch: Launch, files: dict[str, str], env: dict[str, str], look: str) -> None:
    application = launch(files, **env)
    application.show_window()

    wait_for_look(application, look)


def test_the_portal_decides_and_is_followed_while_the_program_runs(
    launch: Launch, portal: Callable[[str], None]
) -> None:
    application = launch()
    application.show_window()
    wait_for_look(application, "dark")
    for scheme, look in [("light", "light"), ("dark", "dark"), ("any", "light")]:
        portal(scheme)
        wait_for_look(application, look)


def test_a_portal_that_says_light_is_believed_before_the_files(launch: Launch, portal: Callable[[str], None]) -> None:
    portal("light")
    application = launch(GTK_DARK)
    application.show_window()

    wait_for_look(application, "light")
