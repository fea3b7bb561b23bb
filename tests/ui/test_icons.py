import itertools

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QImage, qAlpha, qGray
from pytestqt.qtbot import QtBot

from trayalert.domain.incident.level import Level
from trayalert.domain.reachability import Reachability
from trayalert.ui.backend import ProgramState
from trayalert.ui.icons import MAX_COUNT, SIZES, TrayIconState, level_image, tray_icon

LOOKS = {
    "calm": TrayIconState(),
    "blind": TrayIconState(blind=True),
    "proved": TrayIconState(proved=True),
    "paused": TrayIconState(paused=True),
    "proved and paused": TrayIconState(proved=True, paused=True),
    "blind and paused": TrayIconState(blind=True, paused=True),
    "critical": TrayIconState(Level.CRITICAL, 1),
    "warn": TrayIconState(Level.WARN, 1),
    "info": TrayIconState(Level.INFO, 1),
    "warn and blind": TrayIconState(Level.WARN, 1, blind=True),
    "info and blind": TrayIconState(Level.INFO, 1, blind=True),
    "critical and blind": TrayIconState(Level.CRITICAL, 1, blind=True),
    "critical and paused": TrayIconState(Level.CRITICAL, 1, paused=True),
    "critical, two": TrayIconState(Level.CRITICAL, 2),
    "critical, many": TrayIconState(Level.CRITICAL, MAX_COUNT),
}


def picture(look: TrayIconState, size: int) -> QImage:
    image = tray_icon(look).pixmap(QSize(size, size), 1.0).toImage()
    assert image.width() == size
    return image.convertToFormat(QImage.Format.Format_ARGB32)


def greys(image: QImage, paper: int) -> list[int]:
    """Return the shades of grey of the picture's pixels, on a panel with the shade `paper`."""
    pixels = [image.pixel(x, y) for y in range(image.height()) for x in range(image.width())]
    return [(qGray(p) * qAlpha(p) + paper * (255 - qAlpha(p))) // 255 for p in pixels]


def silhouette(image: QImage) -> set[tuple[int, int]]:
    points = itertools.product(range(image.width()), range(image.height()))
    return {(x, y) for x, y in points if qAlpha(image.pixel(x, y)) > 127}


@pytest.mark.parametrize("size", SIZES)
def test_every_look_differs_from_every_other_in_greyscale_on_light_and_dark_panels(qtbot: QtBot, size: int) -> None:
    for paper in (240, 45):
        shades = {name: greys(picture(look, size), paper) for name, look in LOOKS.items()}
        for one, other in itertools.combinations(shades, 2):
            far = sum(abs(a - b) > 40 for a, b in zip(shades[one], shades[other], strict=True))
            assert far >= 4, f"{one} looks like {other} at {size} px on {paper}"


@pytest.mark.parametrize("size", SIZES)
def test_levels_have_shapes_of_their_own(qtbot: QtBot, size: int) -> None:
    shapes = {level: silhouette(level_image(level, size)) for level in Level}
    for one, other in itertools.combinations(Level, 2):
        assert len(shapes[one] ^ shapes[other]) > size * size * 0.04, f"{one} has the shape of {other} at {size} px"


@pytest.mark.parametrize("size", SIZES)
def test_every_look_stands_out_from_its_panel(qtbot: QtBot, size: int) -> None:
    for name, look in LOOKS.items():
        for paper in (240, 45):
            seen = sum(abs(shade - paper) > 60 for shade in greys(picture(look, size), paper))
            assert seen > size * size * 0.12, f"{name} is lost at {size} px on {paper}"


def has_green(look: TrayIconState, size: int) -> bool:
    image = picture(look, size)
    points = itertools.product(range(size), range(size))
    colours = [image.pixelColor(x, y) for x, y in points if qAlpha(image.pixel(x, y)) > 127]
    assert colours
    return any(colour.green() > max(colour.red(), colour.blue()) + 8 for colour in colours)


@pytest.mark.parametrize("size", SIZES)
def test_nothing_but_what_is_proved_is_green(qtbot: QtBot, size: int) -> None:
    assert [name for name, look in LOOKS.items() if has_green(look, size)] == ["proved", "proved and paused"]


def test_a_picture_for_each_size_and_one_object_for_equal_looks(qtbot: QtBot) -> None:
    icon = tray_icon(TrayIconState(Level.WARN, 3))
    assert sorted(size.width() for size in icon.availableSizes()) == sorted(SIZES)
    assert tray_icon(TrayIconState(Level.WARN, 3)) is icon


@pytest.mark.parametrize(
    ("state", "look"),
    [
        (ProgramState(), TrayIconState()),
        (ProgramState(open_incidents=3, worst=Level.WARN), TrayIconState(Level.WARN, 3)),
        (ProgramState(open_incidents=12, worst=Level.WARN), TrayIconState(Level.WARN, MAX_COUNT)),
        (ProgramState(open_incidents=99, worst=Level.WARN), TrayIconState(Level.WARN, MAX_COUNT)),
        (ProgramState(open_incidents=1, worst=Level.OK), TrayIconState(Level.INFO, 1)),
        (ProgramState(reachability=Reachability.BLIND), TrayIconState(blind=True)),
        (ProgramState(storing=False), TrayIconState(blind=True)),
        (ProgramState(reachability=Reachability.REACHABLE), TrayIconState()),
        (ProgramState(reachability=Reachability.REACHABLE, proved_until=1000), TrayIconState(proved=True)),
        (ProgramState(reachability=Reachability.REACHABLE, proved_until=999), TrayIconState()),
        (ProgramState(reachability=Reachability.REACHABLE, proved_until=1000, refused_recently=True), TrayIconState()),
        (
            ProgramState(reachability=Reachability.REACHABLE, proved_until=1000, uncertainty="x"),
            TrayIconState(blind=True),
        ),
        (
            ProgramState(reachability=Reachability.REACHABLE, proved_until=1000, storing=False),
            TrayIconState(blind=True),
        ),
        (
            ProgramState(reachability=Reachability.REACHABLE, proved_until=1000, open_incidents=1),
            TrayIconState(Level.INFO, 1),
        ),
        (ProgramState(paused_until=2000), TrayIconState(paused=True)),
        (ProgramState(paused_until=1000), TrayIconState()),
    ],
)
def test_how_a_state_looks(state: ProgramState, look: TrayIconState) -> None:
    assert TrayIconState.of(state, now=1000) == look


def test_a_notification_gets_plain_argb(qtbot: QtBot) -> None:
    image = level_image(Level.CRITICAL, 48)
    assert image.format() == QImage.Format.Format_ARGB32
    assert (image.width(), image.height()) == (48, 48)
