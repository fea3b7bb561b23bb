"""How many connections the door may hold: what the system gives a process, less what the rest of the program needs."""

import sys

_RESERVED_DESCRIPTORS = 100
_ENOUGH_DESCRIPTORS = 4096
_MOST_CONNECTIONS = 1024
_FEWEST_CONNECTIONS = 16


def raise_descriptor_limit() -> int:
    """Raise the soft limit of descriptors as far as is needed and allowed; return the connections that it leaves."""
    if sys.platform == "win32":
        return 512  # sockets are not counted there; memory is
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    descriptors = _ENOUGH_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH_DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < descriptors:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, hard))
        except (OSError, ValueError):  # as it was, then
            descriptors = soft
    else:
        descriptors = _ENOUGH_DESCRIPTORS if soft == resource.RLIM_INFINITY else soft
    return max(_FEWEST_CONNECTIONS, min(_MOST_CONNECTIONS, descriptors - _RESERVED_DESCRIPTORS))
