"""The exception for external faults, and the reasons that the operating system gives for them.

The text of a fault is shown to the user. Any other exception is a bug in trayalert.
"""

import errno

from trayalert.domain.phrase import N_, Phrase


class Fault(Exception):
    """An external fault. The text is a sentence that says what is wrong, where, and what to do.

    The text is a Phrase, so that it can be shown in the user's language.
    """


_REASONS = {
    errno.EACCES: N_("Permission denied"),
    errno.EPERM: N_("Operation not permitted"),
    errno.ENOENT: N_("No such file or directory"),
    errno.ENOTDIR: N_("Not a directory"),
    errno.EISDIR: N_("Is a directory"),
    errno.EEXIST: N_("File exists"),
    errno.ENOSPC: N_("No space left on device"),
    errno.EDQUOT: N_("Disk quota exceeded"),
    errno.EROFS: N_("Read-only file system"),
    errno.EIO: N_("Input/output error"),
    errno.ENAMETOOLONG: N_("File name too long"),
    errno.ELOOP: N_("Too many levels of symbolic links"),
    errno.EMFILE: N_("Too many open files"),
    errno.EADDRINUSE: N_("Address already in use"),
    errno.EADDRNOTAVAIL: N_("Cannot assign requested address"),
    errno.ECONNREFUSED: N_("Connection refused"),
    errno.ETIMEDOUT: N_("Connection timed out"),
    errno.ENETUNREACH: N_("Network is unreachable"),
    errno.EHOSTUNREACH: N_("No route to host"),
}
"""The usual errors, with the texts of the GNU C library."""


def os_error_text(error: Exception) -> str:
    """Return the text of an error, such as `[Errno 13] Permission denied: 'a.txt'`. The reason in it is a Phrase."""
    text = str(error)
    if not isinstance(error, OSError) or not error.strerror or error.strerror not in text:
        return text
    before, _, after = text.partition(error.strerror)
    reason = Phrase("{before}{reason}", before=before, reason=os_reason(error))
    place = after.removeprefix(": ")
    return reason if not place else Phrase("{reason}: {place}", reason=reason, place=place)


def os_reason(error: OSError) -> str:
    """Return the reason of an error, such as `Permission denied`, or the error's text if it gives no reason.

    Errors of TLS and of the look-up of names are OSErrors, too, but have error numbers of their own.
    """
    is_system_error = type(error).__module__ == OSError.__module__
    reason = _REASONS.get(error.errno or 0) if is_system_error else None
    return Phrase(reason) if reason and error.strerror else error.strerror or str(error)
