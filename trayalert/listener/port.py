"""What may keep the door shut."""

from trayalert.domain.fault import Fault


class ListenerFault(Fault):
    """The door cannot be opened; the text says why and what to do."""
