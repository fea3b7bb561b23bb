"""The theme and the font that Qt is given."""

import pytest
from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtWidgets import QApplication

from trayalert.ui.appearance import named_font, theme_arguments

GNOME = ["-platformtheme", "gnome"]


@pytest.mark.parametrize("desktop", ["XFCE", "GNOME", "ubuntu:GNOME", "MATE", ""])
def test_where_qt_would_take_gtk_it_is_configured_not_to(desktop: str) -> None:
    assert theme_arguments({"XDG_CURRENT_DESKTOP": desktop}) == GNOME


@pytest.mark.parametrize(
    "environ", [{"XDG_CURRENT_DESKTOP": "KDE"}, {"XDG_CURRENT_DESKTOP": "LXQt"}, {"QT_QPA_PLATFORMTHEME": "qt6ct"}]
)
def test_a_desktop_of_qts_own_and_a_theme_that_the_person_chose_are_left_alone(environ: dict[str, str]) -> None:
    assert theme_arguments(environ) == []


@pytest.mark.parametrize(
    ("name", "size"),
    [("Sans 12", 12), ("No Such Font Bold, 11.5", 11.5), ("Sans 900", 10), ("Sans 99", 40), ("", 10), ("Sans", 10)],
)
def test_fonts_are_as_large_as_the_desktops(qapp: QApplication, name: str, size: float) -> None:
    assert named_font(name, fallback=QFont()).pointSizeF() == size


def test_the_desktops_family_is_taken_where_it_is_installed(qapp: QApplication) -> None:
    family = QFontDatabase.families()[-1]

    assert named_font(f"{family} 11", fallback=QFont()).family() == family
    assert named_font("No Such Font 11", fallback=QFont()).family() == QFont().family()
