"""How commands read the log, beside a running instance or without one."""

import contextlib
from collections.abc import Iterator

from trayalert.app.platform.places import Places
from trayalert.domain.fault import Fault
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader


@contextlib.contextmanager
def open_reader(places: Places) -> Iterator[Reader | None]:
    """Open the log for reading; None if there is none yet. Have a running instance look at damage that is found.

    The instance only appends to the file and may not have seen the damage.
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
        from trayalert.app.control.control_protocol import VerifyLog, ask  # noqa: PLC0415 - only damage needs them

        with contextlib.suppress(Fault):
            ask(places.socket, VerifyLog())
        raise
