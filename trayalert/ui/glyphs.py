"""The signs in the icons of tray and levels. Their rule: below 24 pixels they are built of whole pixels.

A font would be a blur there. From 24 pixels on the outlines of the desktop's bold font are better: they survive in
panels that scale the largest picture down (XFCE's does).
"""

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPainterPath, QTransform

from trayalert.ui.appearance import bold

MIN_OUTLINE_SIZE: Final = 24

_BITMAPS: Final = {
    # 5 wide, 7 high; wider and higher ones repeat the middle column and the rows between the corners
    "1": (".##..", "###..", ".##..", ".##..", ".##..", ".##..", ".##.."),
    "2": (".###.", "##.##", "...##", "..##.", ".##..", "##...", "#####"),
    "3": (".###.", "##.##", "...##", "..##.", "...##", "##.##", ".###."),
    "4": ("...##", "..###", ".####", "##.##", "#####", "...##", "...##"),
    "5": ("#####", "##...", "####.", "...##", "...##", "##.##", ".###."),
    "6": (".###.", "##...", "####.", "##.##", "##.##", "##.##", ".###."),
    "7": ("#####", "...##", "..##.", "..##.", ".##..", ".##..", ".##.."),
    "8": (".###.", "##.##", "##.##", ".###.", "##.##", "##.##", ".###."),
    "9": (".###.", "##.##", "##.##", ".####", "...##", "..##.", ".##.."),
    "+": ("...", "...", ".#.", "###", ".#.", "...", "..."),
    "!": ("##", "##", "##", "##", "..", "##", "##"),
    "i": ("##", "##", "..", "##", "##", "##", "##"),
}
_TALL_ROWS: Final = (0, 1, 1, 2, 3, 4, 5, 5, 6)
"""The rows of a sign 9 pixels high."""


def draw_glyphs(painter: QPainter, text: str, *, size: int, bottom: int | None, colour: QColor) -> None:
    """Draw the text in the middle of a picture of that size, or with its lower edge at `bottom`."""
    if size >= MIN_OUTLINE_SIZE and _draw_outlines(painter, text, size, bottom, colour):
        return
    rows = _TALL_ROWS if size >= 20 else range(7)
    scale = max(1, size // 20) if size >= MIN_OUTLINE_SIZE else 1
    grid = [".".join(_BITMAPS[character][row] for character in text) for row in rows]
    left = (size - len(grid[0]) * scale) // 2
    top = (size - len(grid) * scale) // 2 if bottom is None else bottom - len(grid) * scale
    for y, line in enumerate(grid):
        for x, pixel in enumerate(line):
            if pixel == "#":
                painter.fillRect(left + x * scale, top + y * scale, scale, scale, colour)


def _draw_outlines(painter: QPainter, text: str, size: int, bottom: int | None, colour: QColor) -> bool:
    """Draw with the font's outlines; return False if there is no font."""
    font = bold(QGuiApplication.font())
    font.setPixelSize(200)
    path = QPainterPath()
    path.addText(QPointF(0, 0), font, text)
    box = path.boundingRect()
    if box.isEmpty():
        return False
    digit = QPainterPath()
    digit.addText(QPointF(0, 0), font, "8")
    height = round(size * 0.52)
    scale = min(height / digit.boundingRect().height(), 0.66 * size / box.width())
    middle = size / 2 if bottom is None else bottom - height / 2
    shift = QTransform.fromTranslate(size / 2, middle).scale(scale, scale)
    painter.fillPath(shift.translate(-box.center().x(), -digit.boundingRect().center().y()).map(path), colour)
    return True
