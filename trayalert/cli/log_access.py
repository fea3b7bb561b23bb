"""Opens the log for commands that read it, whether an instance runs or not."""

import contextlib
from collections.abc import Iterator

from trayalert.app.platform.places import Places
from trayalert.domain.fault import Fault
from trayalert.storage.faults import DamagedLog, NoLog
from trayalert.storage.reader import Reader


@contextlib.contextmanager
def open_reader(places: Places) -> Iterator[Reader | None]:
    """Open the log for reading while the context is open. Yield None if there is no log yet.

    If the log is damaged, ask the running instance to verify the log, and raise DamagedLog. The instance mostly appends
    to the file and may not have noticed the damage.
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
