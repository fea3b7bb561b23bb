"""The glyphs (digits and marks) that are drawn in the tray icon and the level icons.

In icons smaller than 24 pixels, the glyphs are bitmaps, because the characters of a font would be blurred. In icons of
24 pixels or more, the glyphs are outlines from the desktop's bold font. Outlines stay legible even if the panel scales
the largest image down, as XFCE's panel does.
"""

from typing import Final

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPainterPath, QTransform

from trayalert.ui.appearance import bold

MIN_OUTLINE_SIZE: Final = 24

_BITMAPS: Final = {
    # Each bitmap is 7 pixels high and up to 5 pixels wide. `_TALL_ROWS` turns the 7 rows into 9.
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
"""Row indices that stretch a bitmap of 7 rows to a height of 9 pixels: rows 1 and 5 are drawn twice."""


def draw_glyphs(painter: QPainter, text: str, *, size: int, bottom: int | None, colour: QColor) -> None:
    """Draw `text`, horizontally centred, into an image that is `size` pixels wide and high.

    `bottom` is the y coordinate of the text's lower edge. If `bottom` is None, the text is centred vertically, too.
    `_BITMAPS` must have a bitmap for each character of the text.
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
    """Draw the text with outlines from the desktop's bold font, and return True.

    If no font is available, draw nothing and return False.
    """
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
