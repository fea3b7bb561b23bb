"""The exception for failures of the environment.

The text of a fault is shown to the user unchanged. Any other exception is a bug in trayalert.
"""


class Fault(Exception):
    """A failure of the environment. The text is a sentence that says what is wrong, where, and what to do."""
