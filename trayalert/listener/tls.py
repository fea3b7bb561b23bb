"""The TLS certificate for a host that is reachable from the Internet without a proxy.

After a change, the certificate file and the key file are read again, so a renewal needs no restart. If the new pair of
files cannot be used, the problem is reported, and the old pair stays in use.
"""

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from trayalert.domain.fault import os_reason
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.listener.port import ListenerFault

_logger = logging.getLogger(__name__)

_FileStats = tuple[tuple[int, int, int, int], ...]


class Certificate:
    """A TLS certificate and its key. The constructor raises `ListenerFault` if the pair cannot be used.

    For a new connection, the files are checked for changes, but at most once in `check_interval` seconds. After a
    change, the new pair is loaded:

    - If the new pair can be used, `report(None)` is called.
    - If the new pair cannot be used, `report(sentence)` is called with a sentence that says why.
    """

    def __init__(
        self,
        certificate: Path,
        key: Path,
        *,
        report: Callable[[str | None], None] = lambda _: None,
        check_interval: float = 1.0,
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._report = report
        self._check_interval = check_interval
        self._failure = ""
        self._checked_at = time.monotonic()
        self._stats = self._stat_files()
        self._context = self._load()

    def context(self) -> ssl.SSLContext:
        """Return the TLS context for a new connection, with the current certificate."""
        now = time.monotonic()
        if now - self._checked_at >= self._check_interval:
            self._checked_at = now
            self._renew()
        return self._context

    def _renew(self) -> None:
        stats = self._stat_files()
        if stats == self._stats and not self._failure:
            return
        self._stats = stats
        try:
            self._context = self._load()
        except ListenerFault as fault:
            sentence = PhraseList([str(fault), Phrase("The one before is still in use.")])
            if sentence != self._failure:
                _logger.warning("%s", sentence)
                self._report(sentence)
            self._failure = sentence
        else:
            self._failure = ""
            self._report(None)

    def _stat_files(self) -> _FileStats:
        found = []
        for path in (self._certificate, self._key):
            try:
                stat = path.stat()
            except OSError:
                found.append((0, 0, 0, 0))
            else:
                found.append((stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino))
        return tuple(found)

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        for path, text in (
            (self._certificate, N_("the TLS certificate {path} cannot be read: {reason}.")),
            (self._key, N_("the TLS key {path} cannot be read: {reason}.")),
        ):
            try:
                path.read_bytes()
            except OSError as error:
                raise ListenerFault(Phrase(text, path=path, reason=os_reason(error))) from error
        try:
            # without a `password` argument, OpenSSL would ask for the key's passphrase on the terminal
            context.load_cert_chain(self._certificate, self._key, password=lambda: "")
        except (OSError, ValueError) as error:
            raise ListenerFault(
                Phrase(
                    "the TLS certificate {certificate} and the key {key} cannot be used: {reason}. Both must be PEM,"
                    " belong together, and the key have no passphrase.",
                    certificate=self._certificate,
                    key=self._key,
                    reason=_reason(error),
                )
            ) from error
        return context


def _reason(error: OSError | ValueError) -> str:
    reason = error.reason if isinstance(error, ssl.SSLError) else None
    return reason.replace("_", " ").lower() if reason else Phrase("not in pem form")
