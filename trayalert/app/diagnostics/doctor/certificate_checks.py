"""The doctor's TLS check of the listener's own certificate and of the certificate at the public address."""

import ssl
import stat
import sys
from pathlib import Path
from urllib.parse import urlsplit

from trayalert.app.diagnostics.doctor.check_context import CheckContext, CheckResult, fail, ok, warn
from trayalert.clock import now
from trayalert.domain.phrase import Phrase, PhraseList, as_sentence
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime, duration_text, read_moment
from trayalert.listener.tls import Certificate

_SOON: Millis = 14 * 24 * 3_600_000
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def tls(context: CheckContext) -> CheckResult:
    """Check whether the certificates can be used, and when they expire."""
    found = [each for each in (_check_own(context), _check_public(context)) if each]
    if not found:
        return ok(Phrase("none is set, and no public https address is known."))
    worst = max(found, key=lambda each: ("ok", "warn", "fail").index(each.verdict))
    return CheckResult(worst.verdict, PhraseList(as_sentence(each.message) for each in found), worst.advice)


def _check_own(context: CheckContext) -> CheckResult | None:
    settings = context.settings
    if not settings.tls_certificate or not settings.tls_key:
        return None
    certificate, key = Path(settings.tls_certificate).expanduser(), Path(settings.tls_key).expanduser()
    Certificate(certificate, key)  # raises ListenerFault, which becomes the result
    found = _check_expiry(
        Phrase("the certificate {name}", name=certificate),
        not_after(certificate.read_text(encoding="ascii", errors="replace")),
    )
    if found.verdict == "ok" and sys.platform != "win32" and stat.S_IMODE(key.stat().st_mode) & 0o007:
        readable = Phrase("All users of this computer can read its key.")
        return warn(PhraseList([found.message, readable]), f"chmod o= {key}")
    return found


def _check_public(context: CheckContext) -> CheckResult | None:
    parts = urlsplit(context.public_url or "")
    if parts.scheme != "https" or not parts.hostname:
        return None
    if context.lookups.proxied(f"https://{parts.netloc}"):
        return ok(Phrase("that of {host} was not looked at, as a proxy stands between.", host=parts.hostname))
    what = Phrase("the certificate of {host}", host=parts.hostname)
    try:
        return _check_expiry(what, context.lookups.expiry(parts.hostname, parts.port or 443))
    except ssl.SSLCertVerificationError as error:
        return fail(
            Phrase("{what} is not trusted: {reason}.", what=what, reason=printable(error.verify_message)),
            Phrase("Cloud Monitor may refuse it: renew it, or send the whole chain with it."),
        )
    except (OSError, ValueError) as error:
        reason = printable(str(error)) or type(error).__name__
        return warn(
            Phrase("that of {host} could not be looked at: {reason}.", host=parts.hostname, reason=reason),
            Phrase("See the lines on dns and on the public probe."),
        )


def _check_expiry(what: str, until: Millis) -> CheckResult:
    left = until - now()
    day = f"{as_datetime(until):%Y-%m-%d}"
    if left <= 0:
        return fail(
            Phrase("{what} has expired on {day}.", what=what, day=day),
            Phrase("Renew it; trayalert reads a new one by itself."),
        )
    message = Phrase("{what} holds until {day} ({duration}).", what=what, day=day, duration=duration_text(left))
    if left < _SOON:
        return warn(message, Phrase("Renew it in time; trayalert reads a new one by itself."))
    return ok(message)


def not_after(pem: str) -> Millis:
    """Return the time at which the first certificate in a PEM string expires.

    The certificate is parsed as RFC 5280 defines it. Raise ValueError if the string contains no valid certificate.
    """
    begin, end = pem.find(_BEGIN), pem.find(_END)
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)])
    try:
        position = _content_start(der, _content_start(der, 0))
        if der[position] == 0xA0:  # the version, which is optional
            position = _element_end(der, position)
        for _ in ("number", "algorithm", "issuer"):
            position = _element_end(der, position)
        position = _element_end(der, _content_start(der, position))  # skips notBefore, the start of the validity period
        text = der[_content_start(der, position) : _element_end(der, position)].decode("ascii")
    except IndexError as error:
        raise ValueError("it is no certificate") from error
    if len(text) == 13:  # UTCTime has two digits for the year, of which 00 to 49 mean 2000 to 2049
        text = ("20" if text < "5" else "19") + text
    moment = read_moment(f"{text[:8]}T{text[8:14]}Z", now=0)
    if moment is None:
        raise ValueError("it has no end")
    return moment


def _content_start(der: bytes, position: int) -> int:
    """Return the position at which the content of the DER element at `position` begins."""
    length = der[position + 1]
    return position + 2 + (length & 0x7F if length & 0x80 else 0)


def _element_end(der: bytes, position: int) -> int:
    begin, length = _content_start(der, position), der[position + 1]
    return begin + (int.from_bytes(der[position + 2 : begin]) if length & 0x80 else length)
