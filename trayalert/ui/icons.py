"""The tray icon and the level icons, drawn with QPainter. Levels differ in shape, not only in colour.

CRITICAL is an octagon, WARN a triangle, INFO a square and OK a tick. While incidents are open, the tray icon has the
shape of the worst level and shows the number of open incidents. While trayalert is also blind, the icon has a small
no-entry sign in a corner.

While no incident is open, the tray icon shows reachability (`shown_reachability`):

- blind: a no-entry sign, which is an amber disc with a bar
- unknown: a hollow grey ring
- reachable, as a recent probe proves: a hollow grey ring with a green dot

Each size is drawn separately on whole pixels, because an image that is scaled down to 16 pixels is blurred.
"""

import functools
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap

from trayalert.domain.incident.level import Level, worst
from trayalert.domain.reachability import Reachability
from trayalert.domain.times import Millis
from trayalert.ui.backend import ProgramState
from trayalert.ui.glyphs import MIN_OUTLINE_SIZE, draw_glyphs
from trayalert.ui.state_wording import is_paused, shown_reachability

SIZES: Final = (16, 20, 22, 24, 32, 40, 48, 64)
MAX_COUNT = 10
"""If at least this many incidents are open, the icon shows `9+`: two digits are not legible at 16 pixels."""


@dataclass(frozen=True, slots=True)
class TrayIconState:
    """Everything that the tray icon depends on.

    Two states whose icons look the same must be equal. The tray sets its icon only if the state has changed.
    """

    worst: Level | None = None
    """The worst level among the open incidents, but at least INFO. None if no incident is open."""
    count: int = 0
    """Number of open incidents, but at most MAX_COUNT."""
    blind: bool = False
    """Whether trayalert is blind, or more incidents may be open than are known."""
    paused: bool = False
    proved: bool = False
    """Whether a recent probe proves that callbacks get through. Always False while an incident is open."""

    @classmethod
    def of(cls, state: ProgramState, *, now: Millis) -> "TrayIconState":
        """Return the state of the icon for the given state of the program."""
        reachability = shown_reachability(state, now=now)
        blind = reachability is Reachability.BLIND or state.uncertainty is not None
        return cls(
            # an open incident is never shown as the tick, even if its sender gave it the level OK
            worst=worst(state.worst or Level.INFO, Level.INFO) if state.open_incidents else None,
            count=min(state.open_incidents, MAX_COUNT),
            blind=blind,
            paused=is_paused(state, now=now),
            proved=reachability is Reachability.REACHABLE and not blind and not state.open_incidents,
        )


@dataclass(frozen=True, slots=True)
class _Paint:
    fill: QColor
    edge: QColor
    """The colour of the outline: light around a dark fill, and dark around a light fill.

    This contrast makes the icon stand out on any panel.
    """
    ink: QColor


_WHITE, _BLACK = QColor(255, 255, 255), QColor(28, 28, 30)
_LEVEL_PAINTS = {
    Level.CRITICAL: _Paint(QColor(214, 38, 44), QColor(255, 255, 255, 235), _WHITE),
    Level.WARN: _Paint(QColor(255, 183, 3), QColor(92, 56, 0), _BLACK),
    Level.INFO: _Paint(QColor(30, 107, 214), QColor(255, 255, 255, 235), _WHITE),
    Level.OK: _Paint(QColor(52, 168, 83), QColor(12, 66, 28), _WHITE),
}
_RING_PAINT = _Paint(QColor(178, 184, 192), QColor(70, 75, 83), _BLACK)
_BLIND_PAINT = _Paint(QColor(255, 183, 3), QColor(48, 30, 0), _BLACK)


@functools.lru_cache(maxsize=64)
def tray_icon(state: TrayIconState) -> QIcon:
    """Return the tray icon for the given state, in all SIZES."""
    return _icon([_tray_image(state, size) for size in SIZES])


@functools.cache
def level_icon(level: Level | None) -> QIcon:
    """Return the icon of a level in all SIZES, with the level's mark instead of a number.

    If `level` is None, return the hollow grey ring.
    """
    if level is None:
        return tray_icon(TrayIconState())
    return _icon([level_image(level, size) for size in SIZES])


def level_image(level: Level, size: int) -> QImage:
    """Return an image of a level with its mark, `size` pixels wide and high.

    The image has the format ARGB32 without premultiplied alpha, which notifications require.
    """
    image, painter = _canvas(size)
    _draw_shape(painter, level, size)
    _draw_text(painter, level, size, {Level.INFO: "i", Level.OK: ""}.get(level, "!"))
    painter.end()
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def draw_tray_icon(painter: QPainter, state: TrayIconState, size: int) -> None:
    """Draw the tray icon for the given state into a square of `size` pixels at the painter's origin."""
    if (state.worst is None or not state.count) and state.blind:
        _draw_no_entry(painter, QRectF(0, 0, size, size), _outline_width(size))
    elif state.worst is None or not state.count:
        _draw_ring(painter, size, proved=state.proved)
    else:
        _draw_shape(painter, state.worst, size)
        _draw_text(painter, state.worst, size, str(state.count) if state.count < MAX_COUNT else "9+", low=state.blind)
        if state.blind:
            _draw_blind_badge(painter, size)
    if state.paused:
        _draw_pause(painter, size)


def _icon(images: list[QImage]) -> QIcon:
    icon = QIcon()
    for image in images:
        pixmap = QPixmap.fromImage(image)
        icon.addPixmap(pixmap)
        icon.addPixmap(pixmap, QIcon.Mode.Selected)  # without this line, Qt tints the icon in a selected row
    return icon


def _canvas(size: int) -> tuple[QImage, QPainter]:
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    return image, painter


def _tray_image(state: TrayIconState, size: int) -> QImage:
    image, painter = _canvas(size)
    draw_tray_icon(painter, state, size)
    painter.end()
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def _outline_width(size: int) -> int:
    return max(1, size // 20)


def _draw_shape(painter: QPainter, level: Level, size: int) -> None:
    paint, line = _LEVEL_PAINTS[level], _outline_width(size)
    if level is Level.OK:
        _draw_tick(painter, paint, size)
        return
    for inset, colour in ((0, paint.edge), (line, paint.fill)):
        painter.fillPath(_outline(level, size, inset), colour)


def _outline(level: Level, size: int, inset: int) -> QPainterPath:
    """Return the outline of a level's shape, moved inwards by `inset` pixels on each side."""
    path, low, high = QPainterPath(), float(inset), float(size - inset)
    match level:
        case Level.CRITICAL:
            cut = round(size * 0.3) - inset * 0.41  # moves the slanted sides inwards as far as the straight sides
            points = [
                (low + cut, low), (high - cut, low), (high, low + cut), (high, high - cut),
                (high - cut, high), (low + cut, high), (low, high - cut), (low, low + cut),
            ]  # fmt: skip
        case Level.WARN:
            top, foot = max(1.0, size / 12), size / 16  # the tip is blunt, because a sharp tip disappears at 16 pixels
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
    for width, colour in ((size * 0.15 + 2 * _outline_width(size), paint.edge), (size * 0.15, paint.fill)):
        cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.strokePath(path, QPen(colour, width, Qt.PenStyle.SolidLine, cap, join))


def _draw_text(painter: QPainter, level: Level, size: int, text: str, *, low: bool = False) -> None:
    # a triangle is wide enough for text only in its lower half; in an icon with a badge the text moves down, too
    bottom = size - 2 * _outline_width(size) if low or level is Level.WARN else None
    if text:
        draw_glyphs(painter, text, size=size, bottom=bottom, colour=_LEVEL_PAINTS[level].ink)


def _draw_ring(painter: QPainter, size: int, *, proved: bool) -> None:
    line = _outline_width(size)
    core = max(2, round(size / 8))
    middle = 1 + line + core / 2
    circle = QRectF(middle, middle, size - 2 * middle, size - 2 * middle)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for width, colour in ((core + 2 * line, _RING_PAINT.edge), (core, _RING_PAINT.fill)):
        painter.setPen(QPen(colour, width))
        painter.drawEllipse(circle)
    if proved:
        paint, side = _LEVEL_PAINTS[Level.OK], 2 * round(size / 6)
        corner = (size - side) / 2
        dot = QRectF(corner, corner, side, side)
        _fill_disc(painter, dot.adjusted(-line, -line, line, line), paint.edge)
        _fill_disc(painter, dot, paint.fill)


def _draw_no_entry(painter: QPainter, square: QRectF, line: int) -> None:
    """Draw the no-entry sign, a disc with a bar. The sign means that no callback can arrive."""
    _fill_disc(painter, square, _BLIND_PAINT.edge)
    _fill_disc(painter, square.adjusted(line, line, -line, -line), _BLIND_PAINT.fill)
    side = int(square.width())
    high = max(1, round(side / 5))
    high += (side - high) % 2  # an even difference puts the edges of the centred bar on whole pixels
    inset = line + max(1, round(side / 7))
    bar = QRectF(square.x() + inset, square.y() + (side - high) / 2, side - 2 * inset, high)
    painter.fillRect(bar, _BLIND_PAINT.edge)


def _draw_blind_badge(painter: QPainter, size: int) -> None:
    """Draw a small no-entry sign in the upper left corner, without antialiasing if the icon is small."""
    side = round(size * 0.43) | 1
    if size >= MIN_OUTLINE_SIZE:
        _draw_no_entry(painter, QRectF(0, 0, side, side), max(1, size // 24))
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(1, 0, side - 2, side, _BLIND_PAINT.edge)
    painter.fillRect(0, 1, side, side - 2, _BLIND_PAINT.edge)
    painter.fillRect(1, 1, side - 2, side - 2, _BLIND_PAINT.fill)
    painter.fillRect(2, side // 2, side - 4, 1, _BLIND_PAINT.edge)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)


def _fill_disc(painter: QPainter, square: QRectF, colour: QColor) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawEllipse(square)


def _draw_pause(painter: QPainter, size: int) -> None:
    """Draw the pause sign (two bars) in the upper right corner, where it covers no digit."""
    unit = max(1, size // 16)
    corner = size - 7 * unit
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.fillRect(corner, 0, 7 * unit, 6 * unit, _BLACK)
    painter.fillRect(corner + unit, unit, 2 * unit, 4 * unit, _WHITE)
    painter.fillRect(corner + 4 * unit, unit, 2 * unit, 4 * unit, _WHITE)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
