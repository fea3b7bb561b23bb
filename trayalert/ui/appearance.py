"""The appearance of the windows: the desktop's font, its light or dark scheme, and sizes that fit the screen.

Qt's GNOME theme is used. Qt's GTK theme would load GTK, which costs 20 MB of memory.

The GNOME theme asks the desktop portal whether the desktop is light or dark, and follows later changes. If the portal
does not answer within PORTAL_TIMEOUT_MS, the theme name in the desktop's GTK settings decides. A theme counts as dark
if its name contains the word "dark". The font is always read from the GTK settings.
"""

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication, QWidget

PORTAL_TIMEOUT_MS: Final = 300  # the time ends before a window is open
"""Milliseconds to wait for the desktop portal's answer. Without an answer, the name of the GTK theme decides."""

_DESKTOPS_WITH_QT_THEME = frozenset({"KDE", "LXQT"})  # their own Qt themes do not load GTK
_XFCE_NAMES = re.compile(r'name="(ThemeName|FontName)"[^>]*value="([^"]*)"')
_FONT = re.compile(r"(?P<family>.*?)[ ,]+(?P<size>[0-9]{1,2}(?:\.[0-9]+)?)")
_GTK_DEFAULT_SIZE = 10.0
"""GTK's default font size in points. Qt's default is 9."""


def theme_arguments(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the arguments for QApplication that make Qt use its GNOME theme instead of its GTK theme.

    The list is empty in three cases:

    - The system is not Linux.
    - The desktop has a Qt theme of its own.
    - The environment variable QT_QPA_PLATFORMTHEME is set.
    """
    if sys.platform != "linux" or environ.get("QT_QPA_PLATFORMTHEME") or _desktops(environ) & _DESKTOPS_WITH_QT_THEME:
        return []
    return ["-platformtheme", "gnome"]


def follow_desktop(app: QApplication, environ: Mapping[str, str] = os.environ) -> None:
    """Apply the desktop's font and follow the desktop's light or dark scheme.

    If `theme_arguments` returns an empty list, do nothing.
    """
    if not theme_arguments(environ):
        return
    hints, names = app.styleHints(), _names(environ)
    app.setFont(named_font(names.get("font", ""), fallback=app.font()))
    # WORKAROUND for Qt 6.11: Qt keeps its light palette when the portal reports that the desktop has switched to dark
    hints.colorSchemeChanged.connect(lambda _: app.setPalette(app.style().standardPalette()))

    def darken() -> None:
        if hints.colorScheme() is Qt.ColorScheme.Unknown:
            hints.setColorScheme(Qt.ColorScheme.Dark)

    if "dark" in re.split("[-_: ]", names.get("theme", "").lower()):
        QTimer.singleShot(PORTAL_TIMEOUT_MS, app, darken)


def named_font(name: str, *, fallback: QFont) -> QFont:
    """Return the font for a name such as `Noto Sans 11`.

    The size is limited to the range from 6 to 40 points. If Qt does not know the family, the font has the family of
    `fallback`. If the name does not end with a size, the font has the family of `fallback` and a size of 10 points.
    """
    font, match = QFont(fallback), _FONT.fullmatch(name)
    font.setPointSizeF(min(max(float(match["size"]), 6), 40) if match else _GTK_DEFAULT_SIZE)
    if match and QFontDatabase.hasFamily(match["family"]):
        font.setFamily(match["family"])
    return font


def bold(font: QFont, *, scale: float = 1) -> QFont:
    """Return a bold copy of the font, `scale` times as large."""
    result = QFont(font)
    result.setBold(True)
    if scale != 1:  # a font whose size is not set keeps following the desktop's size
        result.setPointSizeF(result.pointSizeF() * scale)
    return result


def fit_to_screen(window: QWidget, width: int, height: int, *, spare: tuple[int, int] = (40, 60)) -> None:
    """Resize the window to `width` and `height`, or to less if the screen is too small.

    `spare` is the width and the height, in pixels, that must stay free on the screen.
    """
    available = window.screen().availableGeometry().size()
    window.resize(min(width, available.width() - spare[0]), min(height, available.height() - spare[1]))


def _desktops(environ: Mapping[str, str]) -> set[str]:
    return set(environ.get("XDG_CURRENT_DESKTOP", "").upper().split(":"))


def _names(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the names of the desktop's theme and font, under the keys `theme` and `font`.

    For each key, the first value from `_configured_names` that is not empty is returned. A key without such a value is
    missing from the dict.
    """
    names: dict[str, str] = {}
    for name, value in _configured_names(environ):
        if value:
            names.setdefault(name, value)
    return names


def _configured_names(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield "theme", environ.get("GTK_THEME", "")
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/"), ".config"))
    if "XFCE" in _desktops(environ):  # under another desktop, the file may be left over from an earlier use of XFCE
        xfce = _read_text(config / "xfce4" / "xfconf" / "xfce-perchannel-xml" / "xsettings.xml")
        for name, value in _XFCE_NAMES.findall(xfce):
            yield name.removesuffix("Name").lower(), value
    gtk = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        gtk.read_string(_read_text(config / "gtk-3.0" / "settings.ini"))
    except configparser.Error:
        return
    if gtk.get("Settings", "gtk-application-prefer-dark-theme", fallback="0").lower() in {"1", "true"}:
        yield "theme", "dark"
    yield "theme", gtk.get("Settings", "gtk-theme-name", fallback="")
    yield "font", gtk.get("Settings", "gtk-font-name", fallback="")


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
