"""Can the outside reach us? What nothing proves is unknown, and unknown is not green."""

import enum


class Reach(enum.StrEnum):
    """`blind`: surely not, as the door is shut. `unknown`: nothing has proved it."""

    REACHABLE = "reachable"
    BLIND = "blind"
    UNKNOWN = "unknown"
