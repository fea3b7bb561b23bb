"""The requests that `trayalert send` sends.

The body of each request is made from the body of a callback, in one of these ways:

- The body is unchanged.
- The body gets a new time.
- The body becomes the recovery of its alert.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus, urlencode

from trayalert.callbacks.kinds import read_callback, spec_of
from trayalert.callbacks.parsing.body import read_body, read_json
from trayalert.domain.callback import FORM, Callback
from trayalert.domain.fault import Fault
from trayalert.domain.incident.alert import State
from trayalert.domain.phrase import Phrase
from trayalert.domain.times import Millis

JSON = "application/json; charset=UTF-8"

_Fields = dict[str, Any]


class SendFault(Fault):
    """Raised if a request cannot be sent. The message says why, and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedRequest:
    """A request to send. `body` is a form, a JSON document or empty."""

    content_type: str
    body: bytes

    @property
    def method(self) -> str:
        """The HTTP method: GET if `body` is empty, else POST.

        The Test button in Cloud Monitor's console sends a GET request without a body.
        """
        return "POST" if self.body else "GET"


def simulated_request(content: bytes, *, now: Millis | None, recover: bool) -> SimulatedRequest:
    """Return a request whose body is made from `content`.

    `now` is written into the body as the time of the alert, unless `now` is None. If `recover` is true, the body
    becomes the recovery of the alert. Raise SendFault if `recover` is true but the alert has no recovery.
    """
    body = read_body(Callback(received_at=0, method="POST", body=content))
    alert = read_callback(body.callback)[0]
    stamp = spec_of(alert.kind).stamp
    if recover and (stamp is None or alert.one_off):
        raise SendFault(Phrase("nothing ever ends what this body tells of (--recover)"))
    if stamp is None or body.parts or (now is None and not recover):
        return SimulatedRequest(content_type=FORM if body.document is None else JSON, body=content.strip())
    parts = _read_document(content) if body.document is not None else _unpack_form(body.fields)
    stamp(parts, now, recover)
    if recover and read_callback(_callback(parts))[0].state is not State.OK:
        raise SendFault(Phrase("nothing is known that ends what this body tells of (--recover)"))
    if body.document is not None:
        return SimulatedRequest(content_type=JSON, body=json.dumps(parts, ensure_ascii=False).encode())
    fields = {name: part if isinstance(part, str) else json.dumps(part) for name, part in parts.items()}
    return SimulatedRequest(content_type=FORM, body=urlencode(fields, quote_via=quote_plus).encode())


def _callback(parts: _Fields) -> Callback:
    return Callback(received_at=0, method="POST", body=json.dumps(parts).encode())


def _read_document(content: bytes) -> _Fields:
    """Parse a JSON body. Each value keeps its JSON type."""
    document = json.loads(content.decode("utf-8-sig", "replace"))
    return dict(document)


def _unpack_form(fields: Any) -> _Fields:
    """Return the fields of a form. Values that are JSON objects or arrays are parsed."""
    parts = {}
    for name, text in fields.items():
        inner = read_json(text) if text.startswith(("{", "[")) else None
        parts[name] = text if inner is None else inner
    return parts
