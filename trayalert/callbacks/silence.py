"""Reports by trayalert itself: an expected callback has not come, has come after a silence, or is no longer expected.

A report is stored like a callback, so a reparse includes the reports. A callback counts as a report only if its method
is INTERNAL_METHOD and its body has exactly the shape of a report. No HTTP request has this method, so no sender can
forge a report.
"""

import enum
import json
import re

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body
from trayalert.callbacks.parsing.identity import key_of, timed_identity
from trayalert.domain.callback import INTERNAL_METHOD, Callback
from trayalert.domain.incident.alert import SILENCE, Alert, State
from trayalert.domain.incident.level import Level, read_level
from trayalert.domain.settings.expected_callback import ExpectedCallback
from trayalert.domain.text import printable
from trayalert.domain.times import Millis, as_datetime, moment_text, read_timestamp
from trayalert.domain.wording.language import Language

_MARK = "silence"
_NAMES = frozenset({"trayalert", "name", "status", "hours", "last_at", "level", "at"})
_HOURS = re.compile(r"[0-9]{1,4}(?:\.[0-9]+)?(?:e-[0-9]{1,2})?")


class SilenceStatus(enum.StrEnum):
    """What a report says about an expected callback. `dropped` means that the settings no longer list the callback."""

    SILENT = "silent"
    RECEIVED = "heard"
    DROPPED = "dropped"


def silence_key(name: str) -> str:
    """Return the key of the incident that opens if the expected callback with the given name does not come."""
    return key_of(_MARK, name)


def silence_callback(
    expected: ExpectedCallback, status: SilenceStatus, *, last_at: Millis | None, at: Millis, now: Millis
) -> Callback:
    """Return a report that the status of an expected callback has changed.

    `at` is the time of the change, and `now` is the time at which the report is made. `last_at` is the time at which
    the expected callback last came, or None if it has never come.
    """
    document = {
        "trayalert": _MARK, "name": expected.name, "status": status, "hours": expected.hours, "last_at": last_at,
        "level": expected.level, "at": at,
    }  # fmt: skip
    body = json.dumps(document, ensure_ascii=False).encode()
    return Callback(received_at=now, method=INTERNAL_METHOD, content_type="application/json", body=body)


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a report that trayalert has made. Return None for any other callback."""
    document = body.document
    if (
        body.callback.method != INTERNAL_METHOD
        or not document
        or document.keys() != _NAMES
        or document["trayalert"] != _MARK
    ):
        return None
    name, hours, last_at = document["name"], str(document["hours"]), read_timestamp(document["last_at"])
    at, status = read_timestamp(document["at"]), document["status"]
    if not isinstance(name, str) or status not in list(SilenceStatus) or at is None or not _HOURS.fullmatch(hours):
        return None
    silent = status == SilenceStatus.SILENT
    key = silence_key(name)
    alert = Alert(
        kind=SILENCE,
        identity=timed_identity(at, "silence", status, key),
        key=key,
        subject=key,
        state=State.ALERT if silent else State.OK,
        level=read_level(document["level"]) if silent else Level.OK,
        at=at,
        name=name,
        message=_message(name, SilenceStatus(status), float(hours), last_at),
        fields=body.fields,
    )
    return (alert,)


def _message(name: str, status: SilenceStatus, hours: float, last_at: Millis | None) -> str:
    """Return the English message, which scripts and searches use. The user interface shows `_message_text` instead."""
    last = f"last {as_datetime(last_at):%Y-%m-%d %H:%M} UTC" if last_at is not None else "none yet"
    match status:
        case SilenceStatus.SILENT:
            return f"No callback of {name} for {hours:g} h ({last})"
        case SilenceStatus.RECEIVED:
            return f"A callback of {name} came ({last})"
        case SilenceStatus.DROPPED:
            return f"{name} is no longer expected ({last})"


def _name_text(name: str | None, language: Language) -> str:
    return language.say("No callback of {name}", name=name)


def _message_text(alert: Alert, language: Language) -> str:
    """Return the message that the user interface shows, in the user's language and with times in local time."""
    last_at = read_timestamp(alert.fields.get("last_at"))
    last = language.say("none yet")
    if last_at is not None:
        last = language.say("last {time}", time=moment_text(last_at, now=alert.at or last_at, dated=True))
    match alert.fields.get("status"):
        case SilenceStatus.RECEIVED:
            return printable(language.say("Heard again, {last}", last=last))
        case SilenceStatus.DROPPED:
            return printable(language.say("No longer expected, {last}", last=last))
        case _:
            silent = language.say("{hours} h", hours=alert.fields.get("hours"))
            return printable(language.say("Silent for {duration}, {last}", duration=silent, last=last))


KIND_SPEC = KindSpec(kind=SILENCE, read=read, name_text=_name_text, message_text=_message_text)
