import itertools
import threading
import time

from pytestqt.qtbot import QtBot

from trayalert.domain.events import CallbackArrived, Event
from trayalert.ui.event_bridge import EventBridge


def collected(bridge: EventBridge) -> list[list[Event]]:
    batches: list[list[Event]] = []
    bridge.arrived.connect(batches.append)
    return batches


def flat(batches: list[list[Event]]) -> list[Event]:
    return [event for batch in batches for event in batch]


def put_on_a_thread(bridge: EventBridge, events: list[Event]) -> None:
    thread = threading.Thread(target=bridge.put, args=(events,))
    thread.start()
    thread.join()


def test_events_of_another_thread_arrive_in_order_on_the_main_thread(qtbot: QtBot) -> None:
    bridge = EventBridge()
    seen_on: list[int] = []
    batches = collected(bridge)
    bridge.arrived.connect(lambda _batch: seen_on.append(threading.get_ident()))
    sent: list[Event] = [CallbackArrived(number) for number in range(100)]
    put_on_a_thread(bridge, sent[:50])
    put_on_a_thread(bridge, sent[50:])
    qtbot.waitUntil(lambda: flat(batches) == sent)
    assert set(seen_on) == {threading.get_ident()}


def test_5000_single_events_come_as_one_batch(qtbot: QtBot) -> None:
    bridge = EventBridge()
    batches = collected(bridge)

    def put_each() -> None:
        for number in range(5000):
            bridge.put([CallbackArrived(number)])

    thread = threading.Thread(target=put_each)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(batches))
    assert len(batches) == 1
    assert len(batches[0]) == 5000


def test_a_lone_event_comes_at_once_and_a_flood_at_most_every_50_ms(qtbot: QtBot) -> None:
    bridge = EventBridge()
    batches = collected(bridge)
    moments: list[float] = []
    bridge.arrived.connect(lambda _batch: moments.append(time.monotonic()))
    for number in range(4):
        bridge.put([CallbackArrived(number)])
        qtbot.waitUntil(lambda number=number: len(flat(batches)) == number + 1)  # type: ignore[misc]
    gaps = [later - sooner for sooner, later in itertools.pairwise(moments)]
    assert min(gaps) >= 0.045


def test_a_thousand_events_a_second_leave_nothing_waiting(qtbot: QtBot) -> None:
    bridge = EventBridge()
    batches = collected(bridge)
    done = threading.Event()

    def flood() -> None:
        started = time.monotonic()
        for number in range(1000):
            bridge.put([CallbackArrived(number)])
            while time.monotonic() - started < number / 1000:
                done.wait(0.001)
        done.set()

    threading.Thread(target=flood).start()
    qtbot.waitUntil(done.is_set, timeout=10_000)
    qtbot.waitUntil(lambda: len(flat(batches)) == 1000, timeout=200)
    assert len(batches) <= 24


def test_nothing_put_is_nothing_emitted(qtbot: QtBot) -> None:
    bridge = EventBridge()
    batches = collected(bridge)
    bridge.put([])
    bridge.put([CallbackArrived(1)])
    qtbot.waitUntil(lambda: bool(batches))
    assert batches == [[CallbackArrived(1)]]


def test_a_slot_that_fails_harms_no_other(qtbot: QtBot) -> None:
    bridge = EventBridge()

    def fail(_batch: list[Event]) -> None:
        raise RuntimeError("a bug")

    bridge.arrived.connect(fail)
    batches = collected(bridge)
    with qtbot.captureExceptions() as caught:
        bridge.put([CallbackArrived(1)])
        qtbot.waitUntil(lambda: flat(batches) == [CallbackArrived(1)])
        bridge.put([CallbackArrived(2)])
        qtbot.waitUntil(lambda: flat(batches) == [CallbackArrived(1), CallbackArrived(2)])
    assert [str(error) for _kind, error, _trace in caught] == ["a bug", "a bug"]
