"""How many connections the door may hold: what the system gives a process, less what the rest of the program needs."""

import sys

_FOR_THE_REST = 100
_WANTED = 4096
_MOST = 1024
_LEAST = 16


def most_connections() -> int:
    """Raise the soft limit of descriptors as far as is needed and allowed; return the connections that it leaves."""
    if sys.platform == "win32":
        return 512  # sockets are not counted there; memory is
    import resource  # noqa: PLC0415 - there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _WANTED if hard == resource.RLIM_INFINITY else min(hard, _WANTED)
    if soft != resource.RLIM_INFINITY and soft < most:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        except (OSError, ValueError):  # as it was, then
            most = soft
    else:
        most = _WANTED if soft == resource.RLIM_INFINITY else soft
    return max(_LEAST, min(_MOST, most - _FOR_THE_REST))
