"""A Fault is the environment's and is shown to the person as it is; any other exception is a bug of ours."""


class Fault(Exception):
    """A failure of the environment. Its text is a sentence: what is wrong, where, and what to do."""
