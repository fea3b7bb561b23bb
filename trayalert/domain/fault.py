"""Two kinds of trouble: a Fault is the world's and is told to the person as it stands; all else is a bug of ours."""


class Fault(Exception):
    """The world's fault. Its text is a sentence: what is wrong, where, and what to do."""
