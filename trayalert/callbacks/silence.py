"""What the program itself has to say of an expected callback: it is silent, was heard again, or is expected no more.

Stored like a callback, so that whatever is made of the deliveries anew has it, too. It is told by its method, which no
request has, and by its shape: nobody else can say that something was heard.
"""

import enum
import json
import re

from trayalert.callbacks.body import Body
from trayalert.callbacks.identity import key_of, timed_identity
from trayalert.domain.callback import OWN, Callback
from trayalert.domain.incident.alert import SILENCE, Alert, State
from trayalert.domain.incident.level import Level, read_level
from trayalert.domain.settings.expected_callback import Expected
from trayalert.domain.times import Millis, as_datetime, read_timestamp

_MARK = "silence"
_NAMES = frozenset({"trayalert", "name", "status", "hours", "last_at", "level", "at"})
_HOURS = re.compile(r"[0-9]{1,4}(?:\.[0-9]+)?(?:e-[0-9]{1,2})?")


class Status(enum.StrEnum):
    """What is said. `dropped`: the settings expect it no more."""

    SILENT = "silent"
    HEARD = "heard"
    DROPPED = "dropped"


def silence_key(name: str) -> str:
    """Return the key of the incident of an expected callback."""
    return key_of(_MARK, name)


def silence_callback(
    expected: Expected, status: Status, *, last_at: Millis | None, at: Millis, now: Millis
) -> Callback:
    """Write what there is to say: it happened `at`, and is said `now`."""
    told = {
        "trayalert": _MARK,
        "name": expected.name,
        "status": status,
        "hours": expected.hours,
        "last_at": last_at,
        "level": expected.level,
        "at": at,
    }
    body = json.dumps(told, ensure_ascii=False).encode()
    return Callback(received_at=now, method=OWN, content_type="application/json", body=body)


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read what the program wrote; None for all else."""
    told = body.document
    if body.callback.method != OWN or not told or told.keys() != _NAMES or told["trayalert"] != _MARK:
        return None
    name, hours, last_at = told["name"], str(told["hours"]), read_timestamp(told["last_at"])
    at, status = read_timestamp(told["at"]), told["status"]
    if not isinstance(name, str) or status not in list(Status) or at is None or not _HOURS.fullmatch(hours):
        return None
    silent = status == Status.SILENT
    key = silence_key(name)
    alert = Alert(
        kind=SILENCE,
        identity=timed_identity(at, "silence", status, key),
        key=key,
        subject=key,
        state=State.ALERT if silent else State.OK,
        level=read_level(told["level"]) if silent else Level.OK,
        at=at,
        name=name,
        message=_message(name, Status(status), float(hours), last_at),
        titles={"en": f"No callback of {name}", "zh": f"没有收到“{name}”的回调"},
        fields=body.fields,
    )
    return (alert,)


def _message(name: str, status: Status, hours: float, last_at: Millis | None) -> str:
    """Return the English message for scripts and searches; people read `services/presentation/alert_text.py`."""
    last = f"last {as_datetime(last_at):%Y-%m-%d %H:%M} UTC" if last_at is not None else "none yet"
    match status:
        case Status.SILENT:
            return f"No callback of {name} for {hours:g} h ({last})"
        case Status.HEARD:
            return f"A callback of {name} came ({last})"
        case Status.DROPPED:
            return f"{name} is no longer expected ({last})"
