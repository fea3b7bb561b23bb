import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import HOUR, MINUTE, NOON, FakeIncidents, stored
from trayalert.domain.incident.alert import UNRECOGNISED, Kind
from trayalert.domain.incident.incident import Change
from trayalert.domain.incident.level import Level
from trayalert.domain.incident.stored_alert import StoredIncident
from trayalert.domain.times import Millis
from trayalert.domain.wording.language import Language
from trayalert.ui.incidents.columns import COLUMNS, Column
from trayalert.ui.incidents.incident_table import IncidentTable
from trayalert.ui.incidents.incidents_model import MAX_CLOSED_ROWS, PAGE_SIZE, IncidentsModel, IncidentsTiming
from trayalert.ui.incidents.sorted_rows import sort_key


@pytest.fixture
def incidents() -> FakeIncidents:
    return FakeIncidents()


def model_of(incidents: FakeIncidents, *, now: Callable[[], Millis] = lambda: NOON + HOUR) -> IncidentsModel:
    timing = IncidentsTiming(slice_interval=10, retry=20)
    return IncidentsModel(incidents, language=lambda: Language.EN, now=now, timing=timing)


class Watched:
    """A model whose signals are recorded.

    If `tested` is true, `QAbstractItemModelTester` checks each step of the model.
    """

    def __init__(self, incidents: FakeIncidents, *, tested: bool = True) -> None:
        self.model = model_of(incidents)
        self.tester = QAbstractItemModelTester(self.model) if tested else None
        self.inserts: list[tuple[int, int]] = []
        self.removes: list[tuple[int, int]] = []
        self.moves: list[tuple[int, int]] = []
        self.changes: list[tuple[int, int]] = []
        self.resets = 0
        self.model.rowsInserted.connect(lambda _parent, first, last: self.inserts.append((first, last)))
        self.model.rowsRemoved.connect(lambda _parent, first, last: self.removes.append((first, last)))
        self.model.rowsMoved.connect(lambda _p, first, _last, _q, row: self.moves.append((first, row)))
        self.model.dataChanged.connect(lambda first, last: self.changes.append((first.row(), last.row())))
        self.model.modelReset.connect(self.count_reset)

    def count_reset(self) -> None:
        self.resets += 1

    def ids(self) -> list[int]:
        return [self.model.incident_at(row).incident.id for row in range(self.model.rowCount())]

    def settle(self, qtbot: QtBot) -> None:
        qtbot.waitUntil(lambda: self.model.settled)


def cell(model: IncidentsModel, row: int, column: Column, role: int = Qt.ItemDataRole.DisplayRole) -> object:
    return model.data(model.index(row, COLUMNS.index(column)), role)


def test_open_ones_newest_first_then_closed_ones_last_closed_first(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(
        stored(1, opened_at=NOON),
        stored(2, opened_at=NOON + MINUTE),
        stored(3, opened_at=NOON, closed_at=NOON + 2 * MINUTE),
        stored(4, opened_at=NOON, closed_at=NOON + 3 * MINUTE),
        stored(5, opened_at=NOON),
    )
    assert Watched(incidents).ids() == [2, 5, 1, 4, 3]


def test_a_new_incident_is_one_insert_on_top(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2))
    watched = Watched(incidents)
    watched.model.queue_changes(incidents.keep(stored(3, opened_at=NOON + MINUTE)))
    assert watched.ids() == [3, 2, 1]
    assert (watched.inserts, watched.changes) == ([(0, 0)], [])


def test_a_joined_alert_changes_its_row_alone(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(*(stored(number) for number in range(1, 6)))
    watched = Watched(incidents)
    watched.model.queue_changes([incidents.change(3)])
    assert watched.changes == [(2, 2)]
    assert cell(watched.model, 2, Column.COUNT) == "2"


def test_a_recovered_incident_moves_below_the_open_ones_and_stays_selected(
    qtbot: QtBot, incidents: FakeIncidents
) -> None:
    incidents.keep(stored(1), stored(2), stored(3), stored(4, closed_at=NOON + MINUTE))
    watched = Watched(incidents)
    selected = QPersistentModelIndex(watched.model.index(0, 0))
    watched.model.queue_changes([incidents.change(3, closed_at=NOON + 2 * MINUTE)])
    assert watched.ids() == [2, 1, 3, 4]
    assert selected.row() == 2
    assert watched.moves == [(0, 3)]


def test_changed_ids_are_read_once(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2))
    watched = Watched(incidents)
    watched.model.queue_changes([1, 2, 1, 1, 2])
    assert incidents.queried_ids == [(1, 2)]


def test_many_recoveries_keep_every_selected_row(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(*(stored(number, opened_at=NOON + number) for number in range(1, 201)))
    watched = Watched(incidents, tested=False)
    kept = {
        number: QPersistentModelIndex(watched.model.index(watched.ids().index(number), 3)) for number in (1, 77, 200)
    }
    watched.model.queue_changes([incidents.change(number, closed_at=NOON + HOUR + number) for number in range(50, 151)])
    watched.settle(qtbot)
    assert {number: watched.ids()[index.row()] for number, index in kept.items()} == {number: number for number in kept}
    assert watched.resets == 0


def test_5000_new_incidents_never_stop_the_loop_for_100_ms(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(*(stored(number) for number in range(1, 301)))
    watched = Watched(incidents, tested=False)
    first = QPersistentModelIndex(watched.model.index(0, 0))
    steps: list[float] = []
    begun: list[float] = []
    watched.model.about_to_change.connect(lambda: begun.append(time.perf_counter()))
    watched.model.changed.connect(lambda: steps.append(time.perf_counter() - begun[-1]))
    ids = incidents.keep(*(stored(number, opened_at=NOON + number) for number in range(1001, 6001)))
    watched.model.queue_changes(ids)
    watched.settle(qtbot)
    assert watched.ids()[:5000] == sorted(ids, reverse=True)
    assert first.row() == 5000
    assert watched.resets == 0
    assert len(watched.inserts) == len(steps)
    assert max(steps) < 0.1


def test_closed_ones_come_in_pages(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(*(stored(number, closed_at=NOON + number) for number in range(1, 2 * PAGE_SIZE + 51)))
    watched = Watched(incidents, tested=False)  # the tester would fetch the pages itself
    counts = [watched.model.rowCount()]
    while watched.model.canFetchMore(QModelIndex()):
        watched.model.fetchMore(QModelIndex())
        counts.append(watched.model.rowCount())
    assert counts == [PAGE_SIZE, 2 * PAGE_SIZE, 2 * PAGE_SIZE + 50]
    assert watched.ids() == list(range(2 * PAGE_SIZE + 50, 0, -1))


def test_what_closed_before_the_last_page_ends_comes_with_its_own_page(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(9000), *(stored(number, closed_at=NOON + number) for number in range(2, 2 * PAGE_SIZE + 2)))
    watched = Watched(incidents, tested=False)
    watched.model.queue_changes([incidents.change(9000, closed_at=NOON + 1)])
    assert watched.ids() == list(range(2 * PAGE_SIZE + 1, PAGE_SIZE + 1, -1))
    while watched.model.canFetchMore(QModelIndex()):
        watched.model.fetchMore(QModelIndex())
    assert watched.ids() == [*range(2 * PAGE_SIZE + 1, 1, -1), 9000]


def test_open_only_leaves_out_what_is_closed_and_brings_it_back(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2), stored(3, closed_at=NOON))
    watched = Watched(incidents)
    watched.model.show_open_only(True)
    assert watched.ids() == [2, 1]
    watched.model.queue_changes([incidents.change(1, closed_at=NOON + MINUTE)])
    assert watched.ids() == [2]
    watched.model.show_open_only(False)
    assert watched.ids() == [2, 1, 3]


def test_what_nobody_asked_for_is_let_go(qtbot: QtBot, incidents: FakeIncidents) -> None:
    watched = Watched(incidents, tested=False)
    for start in range(0, 4 * MAX_CLOSED_ROWS, PAGE_SIZE):
        watched.model.queue_changes(
            incidents.keep(*(stored(n + 1, closed_at=NOON + n) for n in range(start, start + PAGE_SIZE)))
        )
        watched.settle(qtbot)
    assert watched.model.rowCount() <= MAX_CLOSED_ROWS + PAGE_SIZE
    assert watched.ids() == list(range(4 * MAX_CLOSED_ROWS, 4 * MAX_CLOSED_ROWS - watched.model.rowCount(), -1))
    assert watched.model.canFetchMore(QModelIndex())


def test_what_the_log_does_not_answer_is_no_reason_to_take_a_row_away(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2))
    watched = Watched(incidents)
    incidents.readable = False

    watched.model.queue_changes([1, 2])
    qtbot.waitUntil(lambda: len(incidents.queried_ids) > 2)
    assert (watched.removes, watched.model.rowCount(), watched.model.settled) == ([], 2, False)

    incidents.change(1, closed_at=NOON + HOUR)
    incidents.readable = True
    watched.settle(qtbot)
    assert [watched.model.incident_at(row).incident.open for row in range(2)] == [True, False]


def test_a_table_made_while_the_log_cannot_be_read_fills_when_it_can(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2, closed_at=NOON + HOUR))
    incidents.readable = False
    watched = Watched(incidents)
    assert watched.model.rowCount() == 0

    incidents.readable = True
    qtbot.waitUntil(lambda: watched.ids() == [1, 2])


def test_another_log_resets_the_table_and_one_that_cannot_be_read_yet_leaves_it(
    qtbot: QtBot, incidents: FakeIncidents
) -> None:
    incidents.keep(stored(1))
    watched = Watched(incidents)
    incidents.kept.clear()
    incidents.keep(stored(5), stored(6))
    incidents.readable = False
    watched.model.reload()
    assert (watched.ids(), watched.resets) == ([1], 0)

    incidents.readable = True
    watched.settle(qtbot)
    assert (watched.ids(), watched.resets) == ([6, 5], 1)


def test_an_incident_that_left_the_log_leaves_the_table(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2), stored(3))
    watched = Watched(incidents)
    del incidents.kept[2]
    watched.model.queue_changes([2, 77])
    assert (watched.ids(), watched.removes) == ([3, 1], [(1, 1)])


class Shadow:
    """The rows as a view knows them, which sees nothing but the signals."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self.ids = watched.ids()
        model = watched.model
        model.rowsInserted.connect(self._insert)
        model.rowsRemoved.connect(lambda _parent, first, last: self._take(first, last))
        model.rowsMoved.connect(self._move)
        model.layoutChanged.connect(self._look_again)

    def _insert(self, _parent: QModelIndex, first: int, last: int) -> None:
        self.ids[first:first] = self._watched.ids()[first : last + 1]

    def _take(self, first: int, last: int) -> list[int]:
        taken = self.ids[first : last + 1]
        del self.ids[first : last + 1]
        return taken

    def _move(self, _parent: QModelIndex, first: int, last: int, _target: QModelIndex, row: int) -> None:
        taken = self._take(first, last)
        place = row - len(taken) if row > first else row
        self.ids[place:place] = taken

    def _look_again(self) -> None:
        assert sorted(self.ids) == sorted(self._watched.ids())
        self.ids = self._watched.ids()


@pytest.mark.parametrize(
    ("seed", "size", "tested"), [(1, 4, True), (2, 4, True), *((seed, 25, False) for seed in range(3, 13))]
)
def test_any_mixture_of_changes_ends_in_the_order_of_the_log(
    qtbot: QtBot, incidents: FakeIncidents, seed: int, size: int, tested: bool
) -> None:
    dice = random.Random(seed)
    incidents.keep(*(stored(n, opened_at=NOON + dice.randrange(50) * MINUTE) for n in range(1, 2 * size)))
    watched = Watched(incidents, tested=tested)
    shadow = Shadow(watched)
    for _ in range(12):
        ids = incidents.keep(*random_incidents(dice, size))
        for number in dice.sample(sorted(incidents.kept), min(size, len(incidents.kept))):
            if incidents.kept[number].incident.open and dice.random() < 0.8:
                incidents.change(number, closed_at=NOON + HOUR + dice.randrange(99) * MINUTE)
            elif dice.random() < 0.1:
                del incidents.kept[number]
            ids.append(number)
        watched.model.queue_changes(ids)
        watched.settle(qtbot)
        assert shadow.ids == watched.ids()
    while watched.model.canFetchMore(QModelIndex()):
        watched.model.fetchMore(QModelIndex())
    assert shadow.ids == watched.ids() == [one.incident.id for one in sorted(incidents.kept.values(), key=sort_key)]
    assert watched.resets == 0


def random_incidents(dice: random.Random, size: int) -> Iterator[StoredIncident]:
    for _ in range(dice.randrange(2 * size)):
        opened_at = NOON + dice.randrange(100) * MINUTE
        closed_at = opened_at + dice.randrange(100) * MINUTE if dice.random() < 0.4 else None
        yield stored(dice.randrange(1, 2000), opened_at=opened_at, closed_at=closed_at)


def test_durations_of_open_ones_run_and_nothing_else_is_repainted(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2), stored(3, closed_at=NOON + MINUTE))
    clock = [NOON + HOUR]
    model = model_of(incidents, now=lambda: clock[0])
    seen: list[tuple[int, int, int, int]] = []
    model.dataChanged.connect(lambda a, b: seen.append((a.row(), a.column(), b.row(), b.column())))
    assert cell(model, 0, Column.DURATION) == "1 h"
    clock[0] += 5 * MINUTE
    model.tick()
    assert seen == [(0, 2, 1, 2)]
    assert cell(model, 0, Column.DURATION) == "1 h 5 min"
    assert cell(model, 2, Column.DURATION) == "1 min"


@pytest.mark.parametrize(
    ("incident", "words"),
    [
        (stored(1), "CRITICAL"),
        (stored(1, level=Level.INFO, no_data=True), "INFO, no data"),
        (stored(99), "CRITICAL, unconfirmed"),
        (stored(1, closed_at=NOON), "recovered"),
        (stored(1, closed_at=NOON, closed_by=Change.RESOLVED), "recovered by hand"),
        (stored(1, closed_at=NOON, closed_by=Change.SUPERSEDED), "superseded"),
        (stored(1, closed_at=NOON, closed_by=Change.EXPIRED), "expired"),
        (stored(1, closed_at=NOON, start_known=False), "recovered, start unknown"),
        (stored(1, level=Level.OK), "INFO"),
    ],
)
def test_the_level_is_said_in_words(
    qtbot: QtBot, incidents: FakeIncidents, incident: StoredIncident, words: str
) -> None:
    incidents.unconfirmed_ids = {99}
    incidents.keep(incident)
    model = model_of(incidents)
    assert cell(model, 0, Column.LEVEL) == words
    assert cell(model, 0, Column.LEVEL, Qt.ItemDataRole.AccessibleTextRole) == f"Level: {words}"
    assert cell(model, 0, Column.LEVEL, Qt.ItemDataRole.DecorationRole) is not None


@pytest.mark.parametrize(
    ("value", "text", "unit", "words"),
    [
        (97.39, "97.39", "%", "97.4 %"),
        (1874.0, "1874", "个", "1\u202f874"),
        (0.0, "0", None, "0 %"),
        (12.333333333333334, "12.333333333333334", "%", "12.3 %"),
        (93847562398.0, "93847562398", "byte", "93.8 GB"),
        (100.0, "100.000000000000", "%", "100 %"),
        (0.000012345678, "0.000012345678", None, "0.000012 %"),
        (None, "about nine", None, "about nine"),
        (None, None, "%", ""),
    ],
)
def test_the_value_has_its_unit(
    incidents: FakeIncidents, value: float | None, text: str | None, unit: str | None, words: str
) -> None:
    incidents.keep(stored(1, value=value, value_text=text, unit=unit))
    assert cell(model_of(incidents), 0, Column.VALUE) == words


def test_times_are_local_and_of_today_only_the_time_is_said(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(
        stored(1, opened_at=NOON), stored(2, opened_at=NOON - 72 * HOUR), stored(3, opened_at=NOON - 9000 * HOUR)
    )
    model = model_of(incidents, now=lambda: NOON)
    local = [datetime.fromtimestamp((NOON - back * HOUR) / 1000) for back in (0, 72, 9000)]  # noqa: DTZ006 (local on purpose)
    assert [cell(model, row, Column.SINCE) for row in range(3)] == [
        f"{local[0]:%H:%M}",
        f"{local[1]:%m-%d %H:%M}",
        f"{local[2]:%Y-%m-%d %H:%M}",
    ]


def test_cells_show_cleaned_text(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(
        stored(1, name="a\u202eb\nc\u200bd", resource_name=None, resource_id="i-1", metric_title=None, region=None)
    )
    model = model_of(incidents)
    shown = [cell(model, 0, column) for column in (Column.NAME, Column.RESOURCE, Column.METRIC, Column.REGION)]
    assert shown == ["ab cd", "i-1", "Host.Memory.Usedutilization", ""]


def test_closed_rows_are_dimmed_and_open_critical_ones_stand_out(qtbot: QtBot, incidents: FakeIncidents) -> None:
    incidents.keep(stored(1), stored(2, closed_at=NOON))
    model = model_of(incidents)
    assert cell(model, 0, Column.NAME, Qt.ItemDataRole.ForegroundRole) is None
    assert cell(model, 0, Column.NAME, Qt.ItemDataRole.BackgroundRole) is not None
    assert cell(model, 1, Column.NAME, Qt.ItemDataRole.ForegroundRole) is not None
    assert cell(model, 1, Column.NAME, Qt.ItemDataRole.BackgroundRole) is None


def test_what_has_no_metric_or_name_still_says_what_it_is(qtbot: QtBot, incidents: FakeIncidents) -> None:
    def kept(number: int, kind: Kind, message: str | None, name: str | None) -> None:
        one = stored(number, name=name)
        alert = replace(one.alert.alert, kind=kind, metric=None, metric_title=None, message=message)
        incidents.keep(replace(one, alert=replace(one.alert, alert=alert)))

    kept(1, UNRECOGNISED, None, None)
    kept(2, Kind("event"), "Scheduled\nmore", "Instance:SystemMaintenance.Reboot:Scheduled")
    kept(3, UNRECOGNISED, "on web-01", "Disk full")
    model = model_of(incidents)
    assert cell(model, 0, Column.NAME) == "Callback not understood: Disk full"
    assert [cell(model, row, Column.NAME) for row in range(1, 3)] == [
        "Reboot for system maintenance", "Callback not understood",
    ]  # fmt: skip
    assert [cell(model, row, Column.METRIC) for row in range(3)] == ["on web-01", "Scheduled", ""]


@pytest.mark.parametrize(
    ("width", "left_out"),
    [(1400, set()), (640, {Column.REGION, Column.COUNT, Column.METRIC, Column.DURATION})],
)
def test_in_a_narrow_table_names_keep_their_room(
    qtbot: QtBot, incidents: FakeIncidents, width: int, left_out: set[Column]
) -> None:
    table = IncidentTable(model_of(incidents))
    qtbot.addWidget(table)
    table.resize(width, 300)
    table.show()
    assert {column for place, column in enumerate(COLUMNS) if table.isColumnHidden(place)} == left_out
    wanted = table.fontMetrics().horizontalAdvance("diskusage_utilization")
    assert table.columnWidth(COLUMNS.index(Column.NAME)) >= wanted
