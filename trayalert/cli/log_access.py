"""Opens the log for commands that only read it, whether or not an instance is running."""

import contextlib
from collections.abc import Iterator

from trayalert.app.platform.places import Places
from trayalert.domain.fault import Fault
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader


@contextlib.contextmanager
def open_reader(places: Places) -> Iterator[Reader | None]:
    """Yield an open Reader of the log, or None if there is no log yet. Close the Reader when the context exits.

    If the log is found damaged, ask the running instance to verify the log, and raise DamagedLog. The instance may not
    have noticed the damage.
    """
    try:
        try:
            reader = Reader(places.log)
        except NoLog:
            yield None
            return
        with contextlib.closing(reader):
            yield reader
    except DamagedLog:
        from trayalert.app.control.control_protocol import VerifyLog, ask  # noqa: PLC0415 - needed only after damage

        with contextlib.suppress(Fault):
            ask(places.socket, VerifyLog())
        raise
