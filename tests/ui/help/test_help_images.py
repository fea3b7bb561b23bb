"""The help's images of the tray icon are what the tray shows."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, QImageReader
from pytestqt.qtbot import QtBot

from tests.ui.help.help_images import DRAWN_SIZE, TRAY_IMAGES, draw_svg
from trayalert.resource_files import resource_path
from trayalert.ui.icons import TrayIconState, tray_icon

TOLERANCE = 0.04
"""Share of pixels that may differ, as the digits are drawn with the bold font of this machine."""


def drawn(path: Path) -> QImage:
    reader = QImageReader(str(path), b"svg")
    reader.setScaledSize(QSize(DRAWN_SIZE, DRAWN_SIZE))
    return reader.read()


def colours(image: QImage) -> bytes:
    """Return four bytes for each pixel; the colours of transparent pixels do not count."""
    return bytes(image.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied).constBits())


def difference(state: TrayIconState, image: QImage) -> float:
    """Return the share of pixels by which a picture is not that of the tray."""
    own = colours(tray_icon(state).pixmap(QSize(DRAWN_SIZE, DRAWN_SIZE), 1.0).toImage())
    far = {place // 4 for place, (a, b) in enumerate(zip(own, colours(image), strict=True)) if abs(a - b) > 60}
    return len(far) / DRAWN_SIZE**2


@pytest.mark.parametrize("name", TRAY_IMAGES)
def test_an_image_shows_what_the_tray_shows_and_none_of_its_other_states(qtbot: QtBot, name: str) -> None:
    image = drawn(resource_path("help", "images", f"{name}.svg"))
    assert image.size() == QSize(DRAWN_SIZE, DRAWN_SIZE)
    alike = [other for other, state in TRAY_IMAGES.items() if difference(state, image) <= TOLERANCE]
    assert alike == [name]


def test_the_images_are_written_by_the_painter_of_the_tray(qtbot: QtBot, tmp_path: Path) -> None:
    for name, state in TRAY_IMAGES.items():
        path = tmp_path / f"{name}.svg"
        path.write_text(draw_svg(state), encoding="utf-8")
        assert difference(state, drawn(path)) <= TOLERANCE, name
