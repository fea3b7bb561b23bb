"""The reasons of the operating system are phrases, and no other error is taken for one of them."""

import errno
import socket
import ssl

import pytest

from trayalert.domain.fault import os_error_text, os_reason
from trayalert.domain.phrase import Phrase


class _WordedError(OSError):
    def __str__(self) -> str:
        return "the server has gone"


def test_the_reason_of_the_system_is_a_phrase() -> None:
    error = PermissionError(errno.EACCES, "Permission denied", "a.txt")

    assert isinstance(os_reason(error), Phrase)
    assert os_reason(error) == "Permission denied"
    assert os_error_text(error) == "[Errno 13] Permission denied: 'a.txt'"


@pytest.mark.parametrize(
    "error",
    [
        ssl.SSLCertVerificationError(ssl.SSL_ERROR_SSL, "certificate verify failed"),  # 1, as EPERM
        ssl.SSLError(ssl.SSL_ERROR_SYSCALL, "unexpected end"),  # 5, as EIO
        socket.gaierror(errno.ENOENT, "Temporary failure in name resolution"),  # the number of EAI_AGAIN on macOS
    ],
)
def test_an_error_with_numbers_of_its_own_keeps_its_reason(error: OSError) -> None:
    assert os_reason(error) == error.strerror
    assert os_error_text(error) == str(error)


def test_a_text_without_the_reason_stays_as_it_is() -> None:
    assert os_error_text(_WordedError(errno.EACCES, "Permission denied")) == "the server has gone"
