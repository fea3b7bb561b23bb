"""What can go wrong with the log, as a person is told it: the world's faults, not ours."""

from trayalert.domain.fault import Fault


class LogFault(Fault):
    """The log cannot be used now; the text says why, where, and what to do."""


class NoLog(LogFault):
    """There is no log yet, or nothing in it: it was never opened, or is being made at this moment."""


class NotStored(LogFault):
    """This one thing could not be written down; nothing of it was kept, and trying again may help."""
