"""The doctor's line on TLS: our own certificate, and the one that the public address presents."""

import ssl
import stat
import sys
from pathlib import Path
from urllib.parse import urlsplit

from trayalert.app.diagnostics.doctor.check_context import Found, Scene, fail, ok, warn
from trayalert.app.platform.clock import now
from trayalert.domain.text import printable, sentence
from trayalert.domain.times import Millis, as_datetime, duration_text, read_moment
from trayalert.listener.tls import Certificate

_SOON: Millis = 14 * 24 * 3_600_000
_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def tls(scene: Scene) -> Found:
    """Say whether the certificates can be used, and for how long."""
    found = [each for each in (_own(scene), _public(scene)) if each]
    if not found:
        return ok("none is set, and no public https address is known.")
    worst = max(found, key=lambda each: ("ok", "warn", "fail").index(each.verdict))
    return Found(worst.verdict, " ".join(sentence(each.said) for each in found), worst.do)


def _own(scene: Scene) -> Found | None:
    settings = scene.settings
    if not settings.tls_certificate or not settings.tls_key:
        return None
    certificate, key = Path(settings.tls_certificate).expanduser(), Path(settings.tls_key).expanduser()
    Certificate(certificate, key)  # raises DoorFault, which says what is wrong
    found = _lasting(
        f"the certificate {certificate}", not_after(certificate.read_text(encoding="ascii", errors="replace"))
    )
    if found.verdict == "ok" and sys.platform != "win32" and stat.S_IMODE(key.stat().st_mode) & 0o007:
        return warn(f"{found.said} All users of this computer can read its key.", f"chmod o= {key}")
    return found


def _public(scene: Scene) -> Found | None:
    parts = urlsplit(scene.public_url or "")
    if parts.scheme != "https" or not parts.hostname:
        return None
    if scene.outside.proxied(f"https://{parts.netloc}"):
        return ok(f"that of {parts.hostname} was not looked at, as a proxy stands between.")
    try:
        return _lasting(f"the certificate of {parts.hostname}", scene.outside.expiry(parts.hostname, parts.port or 443))
    except ssl.SSLCertVerificationError as error:
        said = f"the certificate of {parts.hostname} is not trusted: {printable(error.verify_message)}."
        return fail(said, "Cloud Monitor may refuse it: renew it, or send the whole chain with it.")
    except (OSError, ValueError) as error:
        reason = printable(str(error)) or type(error).__name__
        said = f"that of {parts.hostname} could not be looked at: {reason}."
        return warn(said, "See the lines on dns and on the public probe.")


def _lasting(what: str, until: Millis) -> Found:
    left = until - now()
    day = f"{as_datetime(until):%Y-%m-%d}"
    if left <= 0:
        return fail(f"{what} has expired on {day}.", "Renew it; trayalert reads a new one by itself.")
    said = f"{what} holds until {day} ({duration_text(left)})."
    if left < _SOON:
        return warn(said, "Renew it in time; trayalert reads a new one by itself.")
    return ok(said)


def not_after(pem: str) -> Millis:
    """Return when the first certificate of a PEM text ends. Raise ValueError."""
    begin, end = pem.find(_BEGIN), pem.find(_END)
    der = ssl.PEM_cert_to_DER_cert(pem[begin : end + len(_END)])
    try:
        position = _inside(der, _inside(der, 0))
        if der[position] == 0xA0:  # the version, which may be missing
            position = _behind(der, position)
        for _ in ("number", "algorithm", "issuer"):
            position = _behind(der, position)
        position = _behind(der, _inside(der, position))  # behind the beginning of its validity
        text = der[_inside(der, position) : _behind(der, position)].decode("ascii")
    except IndexError as error:
        raise ValueError("it is no certificate") from error
    if len(text) == 13:  # two digits for the year: up to 49 of this century
        text = ("20" if text < "5" else "19") + text
    moment = read_moment(f"{text[:8]}T{text[8:14]}Z", now=0)
    if moment is None:
        raise ValueError("it has no end")
    return moment


def _inside(der: bytes, position: int) -> int:
    """Return where the content of the element begins."""
    length = der[position + 1]
    return position + 2 + (length & 0x7F if length & 0x80 else 0)


def _behind(der: bytes, position: int) -> int:
    begin, length = _inside(der, position), der[position + 1]
    return begin + (int.from_bytes(der[position + 2 : begin]) if length & 0x80 else length)
