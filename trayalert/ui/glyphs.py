"""The digits in the tray's picture, built of whole pixels. No font: at 7 pixels each of them would be a blur.

A digit is seven strokes, as on a pocket calculator, with its corners taken off.
"""

from PySide6.QtGui import QColor, QPainter

_STROKES = {
    # a top, b upper right, c lower right, d bottom, e lower left, f upper left, g middle
    "0": "abcdef",
    "2": "abged",
    "3": "abgcd",
    "4": "fgbc",
    "5": "afgcd",
    "6": "afgedc",
    "7": "abc",
    "8": "abcdefg",
    "9": "abcdfg",
}


def _measure(size: int) -> tuple[int, int, int, int]:
    """Return upright thickness, level thickness, hole width and hole height of a digit in a picture of that size."""
    if size < 20:
        return 2, 1, 1, 2
    if size < 24:
        return 2, 2, 2, 2
    if size < 32:
        return 3, 2, 1, 3
    return size * 3 // 32, size * 2 // 32, size * 3 // 32, size * 4 // 32


def _digit_size(size: int) -> tuple[int, int]:
    upright, level, wide, high = _measure(size)
    return 2 * upright + wide, 3 * level + 2 * high


def _advance(sign: str, size: int) -> int:
    upright, _, wide, _ = _measure(size)
    match sign:
        case "!" | "i":
            return upright
        case "1":
            return upright + wide
        case "+":
            return _plus(size)
        case _:
            return 2 * upright + wide


def _plus(size: int) -> int:
    """Return the side of a plus: odd, so that it has a middle."""
    return 3 if size < 20 else (size // 8) * 2 - 1


def glyphs_size(text: str, size: int) -> tuple[int, int]:
    """Return width and height of the text in a picture of that size."""
    gap = max(1, size // 24)
    return sum(_advance(sign, size) for sign in text) + gap * max(0, len(text) - 1), _digit_size(size)[1]


def draw_glyphs(painter: QPainter, text: str, size: int, *, left: int, top: int, colour: QColor) -> None:
    """Draw digits, `+`, `!` and `i` with the upper left corner there."""
    for sign in text:
        for x, y, width, height in _boxes(sign, size):
            painter.fillRect(left + x, top + y, width, height, colour)
        left += _advance(sign, size) + max(1, size // 24)


def _boxes(sign: str, size: int) -> list[tuple[int, int, int, int]]:
    upright, level, wide, high = _measure(size)
    width, height = _digit_size(size)
    match sign:
        case "1":
            return [(wide, 0, upright, height), (0, level, wide, level)]
        case "!":
            return [(0, 0, upright, height - upright - level), (0, height - upright, upright, upright)]
        case "i":
            return [(0, 0, upright, upright), (0, upright + level, upright, height - upright - level)]
        case "+":
            side = _plus(size)
            arm = 1 if size < 32 else size // 32 * 2 - 1
            middle, y = (side - arm) // 2, (height - side) // 2
            return [(0, y + middle, side, arm), (middle, y, arm, side)]
    strokes = _STROKES[sign]
    lower = level + high
    cut = max(1, upright // 2)  # a stroke that meets another one in a corner is shorter, so that the corner is round
    left = cut if {"a", "f"} <= set(strokes) else 0
    foot = cut if {"d", "e"} <= set(strokes) else 0
    short = upright if sign == "3" else 0  # else it is an E in the mirror
    places = {
        "a": (left, 0, width - left - cut, level),
        "b": (width - upright, min(cut, level), upright, lower + level - min(cut, level)),
        "c": (width - upright, lower, upright, lower + level - min(cut, level)),
        "d": (foot, 2 * lower, width - foot - cut, level),
        "e": (0, lower, upright, lower + level - min(foot, level)),
        "f": (0, min(left, level), upright, lower + level - min(left, level)),
        "g": (short, lower, width - short, level),
    }
    if sign in "47":  # open at the bottom: the right stroke goes down to the end
        places["c"] = (width - upright, lower, upright, lower + level)
    if sign == "4":
        places["b"] = (width - upright, 0, upright, lower + level)
    if sign == "2":
        places["d"] = (0, 2 * lower, width, level)
        places["e"] = (0, lower, upright, lower + level)
    return [places[stroke] for stroke in strokes]
