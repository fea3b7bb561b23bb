"""What may keep the door shut."""

from trayalert.domain.fault import Fault


class DoorFault(Fault):
    """The door cannot be opened; the text says why and what to do."""
