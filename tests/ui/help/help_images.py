"""Writes the help's images of the tray icon with the tray's own painter: `python -m tests.ui.help.help_images`."""

import re
from typing import Final

from PySide6.QtCore import QBuffer, QRect, QSize
from PySide6.QtGui import QPainter
from PySide6.QtSvg import QSvgGenerator
from PySide6.QtWidgets import QApplication

from trayalert.domain.incident.level import Level
from trayalert.resource_files import resource_path
from trayalert.ui.icons import TrayIconState, draw_tray_icon

TRAY_IMAGES: Final = {
    "critical": TrayIconState(Level.CRITICAL, 1),
    "warn": TrayIconState(Level.WARN, 1),
    "info": TrayIconState(Level.INFO, 1),
    "reachable": TrayIconState(proved=True),
    "unknown": TrayIconState(),
    "blind": TrayIconState(blind=True),
    "firing-blind": TrayIconState(Level.CRITICAL, 1, blind=True),
    "paused": TrayIconState(paused=True),
}
DRAWN_SIZE: Final = 64
SHOWN_SIZE: Final = 24
"""Pixels that the image takes in a page, a little more than a line of text."""

_NEEDLESS: Final = re.compile(
    r"<title>.*?</title>|<desc>.*?</desc>|<defs>\s*</defs>|\s+(?:font-[a-z]+|vector-effect|transform)=\"[^\"]*\""
    r"|\s+xmlns:xlink=\"[^\"]*\"|\s+version=\"1.2\" baseProfile=\"tiny\"",
    re.DOTALL,
)


def draw_svg(state: TrayIconState) -> str:
    """Return the picture of the tray as SVG; its texts are outlines, so it needs no font."""
    buffer, generator = QBuffer(), QSvgGenerator()
    generator.setOutputDevice(buffer)
    generator.setSize(QSize(DRAWN_SIZE, DRAWN_SIZE))
    generator.setViewBox(QRect(0, 0, DRAWN_SIZE, DRAWN_SIZE))
    painter = QPainter(generator)
    draw_tray_icon(painter, state, DRAWN_SIZE)
    painter.end()
    text = _NEEDLESS.sub("", buffer.data().toStdString())
    text = re.sub(r'width="[\d.]+mm" height="[\d.]+mm"', f'width="{SHOWN_SIZE}" height="{SHOWN_SIZE}"', text, count=1)
    return re.sub(r"\s*\n\s*", "\n", re.sub(r"\s+>", ">", text)).strip() + "\n"


def main() -> None:
    """Write all images."""
    QApplication(["trayalert", "-platform", "offscreen"])
    for name, state in TRAY_IMAGES.items():
        resource_path("help", "images", f"{name}.svg").write_text(draw_svg(state), encoding="utf-8")


if __name__ == "__main__":
    main()
