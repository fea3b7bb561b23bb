"""What can go wrong with the log, as a person is told it: the world's faults, not ours."""

from trayalert.domain.fault import Fault


class LogFault(Fault):
    """The log cannot be used now; the text says why, where, and what to do."""


class NotStored(LogFault):
    """This one thing could not be written down; nothing of it was kept, and trying again may help."""
