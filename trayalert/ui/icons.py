"""The pictures of levels and tray, drawn with QPainter. Its rule: each level has a shape of its own, not only a colour.

CRITICAL is an octagon, WARN a triangle, INFO a square, OK a tick. Calm is a hollow ring, as nothing proves that all is
well: it is never green. Blind is the same ring, broken by a slash. Each size is drawn on its own on whole pixels, for a
picture that is scaled to 16 pixels is mud.
"""

import functools
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap

from trayalert.domain.level import Level, worst
from trayalert.domain.reach import Reach
from trayalert.domain.times import Millis
from trayalert.ui.desk import DeskState
from trayalert.ui.glyphs import draw_signs
from trayalert.ui.wording import is_paused

SIZES: Final = (16, 20, 22, 24, 32, 40, 48, 64)
MOST = 10
"""From here on the number is written `9+`: two digits cannot be read at 16 pixels."""


@dataclass(frozen=True, slots=True)
class TrayLook:
    """All that the tray's picture depends on. `count` stops at MOST, so that equal pictures are equal looks.

    `blind` is drawn also where more may be open than is known: neither is calm.
    """

    worst: Level | None = None
    count: int = 0
    blind: bool = False
    paused: bool = False

    @classmethod
    def of(cls, state: DeskState, *, now: Millis) -> "TrayLook":
        """Return how the tray looks in this state."""
        return cls(
            # what is open is never shown with the tick, whatever level its sender gave it
            worst=worst(state.worst or Level.INFO, Level.INFO) if state.open_incidents else None,
            count=min(state.open_incidents, MOST),
            blind=state.reach is Reach.BLIND or state.unsure is not None,
            paused=is_paused(state, now=now),
        )


@dataclass(frozen=True, slots=True)
class _Paint:
    fill: QColor
    edge: QColor
    """At the other end of the scale from the fill: on a dark panel one of them stands out, on a light one the other."""
    ink: QColor


_WHITE, _BLACK = QColor(255, 255, 255), QColor(28, 28, 30)
_PAINTS = {
    Level.CRITICAL: _Paint(QColor(214, 38, 44), QColor(255, 255, 255, 235), _WHITE),
    Level.WARN: _Paint(QColor(255, 183, 3), QColor(92, 56, 0), _BLACK),
    Level.INFO: _Paint(QColor(30, 107, 214), QColor(255, 255, 255, 235), _WHITE),
    Level.OK: _Paint(QColor(52, 168, 83), QColor(12, 66, 28), _WHITE),
}
_RING = _Paint(QColor(178, 184, 192), QColor(70, 75, 83), _BLACK)


@functools.lru_cache(maxsize=64)
def tray_icon(look: TrayLook) -> QIcon:
    """Return the tray's picture in all SIZES."""
    return _icon([_tray_image(look, size) for size in SIZES])


@functools.cache
def level_icon(level: Level | None) -> QIcon:
    """Return the level's picture in all SIZES, with its mark and no number; None is what ended, but not well."""
    if level is None:
        return tray_icon(TrayLook())
    return _icon([level_image(level, size) for size in SIZES])


def level_image(level: Level, size: int) -> QImage:
    """Draw the level with its mark, `size` pixels square, ARGB32 (not premultiplied: what notifications want)."""
    image, painter = _canvas(size)
    _draw_shape(painter, level, size)
    _draw_text(painter, level, size, {Level.INFO: "i", Level.OK: ""}.get(level, "!"))
    painter.end()
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def _icon(images: list[QImage]) -> QIcon:
    icon = QIcon()
    for image in images:
        pixmap = QPixmap.fromImage(image)
        icon.addPixmap(pixmap)
        icon.addPixmap(
            pixmap, QIcon.Mode.Selected
        )  # else a selected row's would be tinted, and the colour says something
    return icon


def _canvas(size: int) -> tuple[QImage, QPainter]:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return image, painter


def _tray_image(look: TrayLook, size: int) -> QImage:
    image, painter = _canvas(size)
    if look.worst is None or not look.count:
        _draw_ring(painter, size, broken=look.blind)
    else:
        _draw_shape(painter, look.worst, size)
        _draw_text(painter, look.worst, size, str(look.count) if look.count < MOST else "9+")
        if look.blind:
            _draw_badge(painter, size, left=True)
    if look.paused:
        _draw_badge(painter, size, left=False)
    painter.end()
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def _line(size: int) -> int:
    """Return the width of an outline."""
    return max(1, size // 20)


def _draw_shape(painter: QPainter, level: Level, size: int) -> None:
    paint, line = _PAINTS[level], _line(size)
    if level is Level.OK:
        _draw_tick(painter, paint, size)
        return
    for inset, colour in ((0, paint.edge), (line, paint.fill)):
        painter.fillPath(_outline(level, size, inset), colour)


def _outline(level: Level, size: int, inset: int) -> QPainterPath:
    """Return the outline of the shape, `inset` pixels inside the square's edge."""
    path, low, high = QPainterPath(), float(inset), float(size - inset)
    match level:
        case Level.CRITICAL:
            cut = round(size * 0.3) - inset * 0.41  # the slanted sides move in as far as the straight ones
            points = [
                (low + cut, low), (high - cut, low), (high, low + cut), (high, high - cut),
                (high - cut, high), (low + cut, high), (low, high - cut), (low, low + cut),
            ]  # fmt: skip
        case Level.WARN:
            top, foot = max(1.0, size / 12), size / 16  # blunt: a sharp tip is lost at 16 pixels
            half = size / 2
            slant = inset * 0.62
            points = [
                (half - top + slant / 2, low), (half + top - slant / 2, low),
                (high - slant, high - foot), (high - slant - foot / 2, high),
                (low + slant + foot / 2, high), (low + slant, high - foot),
            ]  # fmt: skip
        case _:
            margin = low + round(size / 16)
            side = size - 2 * margin
            radius = max(1.0, size / 8 - inset)
            path.addRoundedRect(QRectF(margin, margin, side, side), radius, radius)
            return path
    path.moveTo(*points[0])
    for point in points[1:]:
        path.lineTo(*point)
    path.closeSubpath()
    return path


def _draw_tick(painter: QPainter, paint: _Paint, size: int) -> None:
    path = QPainterPath(QPointF(size * 0.16, size * 0.54))
    path.lineTo(size * 0.40, size * 0.78)
    path.lineTo(size * 0.84, size * 0.24)
    for width, colour in ((size * 0.15 + 2 * _line(size), paint.edge), (size * 0.15, paint.fill)):
        cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.strokePath(path, QPen(colour, width, Qt.PenStyle.SolidLine, cap, join))


def _draw_text(painter: QPainter, level: Level, size: int, text: str) -> None:
    # a triangle has room only in its lower half
    bottom = size - 2 * _line(size) if level is Level.WARN else None
    if text:
        draw_signs(painter, text, size=size, bottom=bottom, colour=_PAINTS[level].ink)


def _draw_ring(painter: QPainter, size: int, *, broken: bool) -> None:
    line = _line(size)
    core = max(2, round(size / 8))
    middle = 1 + line + core / 2
    circle = QRectF(middle, middle, size - 2 * middle, size - 2 * middle)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, colour in ((core + 2 * line, _RING.edge), (core, _RING.fill)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(circle)
    if broken:
        _draw_slash(painter, size, line, core)


def _draw_slash(painter: QPainter, size: int, line: int, core: int) -> None:
    """Cut the ring from top right to bottom left and lay a bar into the cut."""
    start, end = QPointF(size - 1.5, 1.5), QPointF(1.5, size - 1.5)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
    painter.setPen(QPen(_BLACK, core + 4 * line, Qt.PenStyle.SolidLine, Qt.PenCapStyle.FlatCap))
    painter.drawLine(start, end)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    for width, colour in ((core + 2 * line, _RING.edge), (core, _RING.fill)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLine(start, end)


def _draw_badge(painter: QPainter, size: int, *, left: bool) -> None:
    """Put a small mark into an upper corner, where no digit is: left a slash (blind), right two bars (paused)."""
    unit = max(1, size // 16)
    side = 6 * unit if left else 7 * unit
    corner = 0 if left else size - side
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(corner, 0, side, 6 * unit, _BLACK)
    if left:
        for step in range(4):
            painter.fillRect((4 - step) * unit, (1 + step) * unit, unit, unit, _WHITE)
    else:
        painter.fillRect(corner + unit, unit, 2 * unit, 4 * unit, _WHITE)
        painter.fillRect(corner + 4 * unit, unit, 2 * unit, 4 * unit, _WHITE)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
