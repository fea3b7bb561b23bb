"""Light or dark, as the desktop is. Its rule: without GTK, which would cost 20 MB for two colours and a font.

Qt's own GNOME theme asks the desktop portal, and follows it while the program runs. Where no portal answers, the files
are read in which GTK desktops keep their theme's name: a name that ends in "dark" is dark.
"""

import configparser
import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication

_OWN_THEME = frozenset({"KDE", "LXQT"})  # desktops for which Qt needs no GTK
_XFCE_THEME = re.compile(r'name="ThemeName"[^>]*value="([^"]*)"')


def theme_arguments(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the arguments for QApplication that choose Qt's GNOME theme, where Qt would take GTK's."""
    desktops = set(environ.get("XDG_CURRENT_DESKTOP", "").upper().split(":"))
    if sys.platform != "linux" or environ.get("QT_QPA_PLATFORMTHEME") or desktops & _OWN_THEME:
        return []
    return ["-platformtheme", "gnome"]


def follow_desktop(environ: Mapping[str, str] = os.environ) -> None:
    """Turn dark where the desktop is dark and Qt could not find out."""
    hints = QGuiApplication.styleHints()
    if sys.platform == "linux" and hints.colorScheme() is Qt.ColorScheme.Unknown and is_dark(environ):
        hints.setColorScheme(Qt.ColorScheme.Dark)


def is_dark(environ: Mapping[str, str]) -> bool:
    """Whether the GTK theme of the desktop is a dark one; the first place that names one decides."""
    named = next(_named_themes(environ), "")
    return named.lower().endswith("dark")


def _named_themes(environ: Mapping[str, str]) -> Iterator[str]:
    if environ.get("GTK_THEME"):
        yield environ["GTK_THEME"]
    config = Path(environ.get("XDG_CONFIG_HOME") or Path(environ.get("HOME", "/"), ".config"))
    xfce = _text(config / "xfce4" / "xfconf" / "xfce-perchannel-xml" / "xsettings.xml")
    yield from _XFCE_THEME.findall(xfce)[:1]
    gtk = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        gtk.read_string(_text(config / "gtk-3.0" / "settings.ini"))
    except configparser.Error:
        return
    if gtk.get("Settings", "gtk-application-prefer-dark-theme", fallback="0").lower() in {"1", "true"}:
        yield "dark"
    yield gtk.get("Settings", "gtk-theme-name", fallback="")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
