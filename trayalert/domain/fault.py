"""The exception for external faults.

The text of a fault is shown to the user. Any other exception is a bug in trayalert.
"""


class Fault(Exception):
    """An external fault. The text is a sentence that says what is wrong, where, and what to do.

    The text is a Phrase, so that it can be shown in the user's language.
    """
