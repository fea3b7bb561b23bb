"""The glyphs (digits and marks) in the icons of the tray and of the levels.

In icons smaller than 24 pixels the glyphs are bitmaps of whole pixels, as a font would be blurred. Larger icons use the
outlines of the desktop's bold font, which stay legible in panels that scale the largest picture down (XFCE's does).
"""

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPainterPath, QTransform

from trayalert.ui.appearance import bold

MIN_OUTLINE_SIZE: Final = 24

_BITMAPS: Final = {
    # Each bitmap is 7 pixels high and up to 5 pixels wide; `_TALL_ROWS` makes 9 rows of the 7.
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
"""The bitmap rows that make up a glyph 9 pixels high: rows 1 and 5 are drawn twice."""


def draw_glyphs(painter: QPainter, text: str, *, size: int, bottom: int | None, colour: QColor) -> None:
    """Draw `text` in the middle of a picture that is `size` pixels square; all characters must be in `_BITMAPS`.

    With `bottom`, the lower edge of the text is at that height instead of in the vertical middle.
    """
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
    """Draw the text with the outlines of the desktop's bold font. Return False if there is no font."""
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
