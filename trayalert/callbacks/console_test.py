"""Parser for the callbacks that the Test buttons of Alibaba's consoles send.

A test callback has one of two forms. The first form is a request with neither a body nor a query (in 2024, a GET
request). The second form is an unfilled template: the Test button of ARMS sends the user's own template unchanged, with
a placeholder such as `$alertmanager_content` or `$content` still in it.
"""

import re

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body
from trayalert.domain.incident.alert import TEST, Alert, Identity
from trayalert.domain.incident.level import Level

_NEVER_MERGED = Identity(text="", timed=False)
_UNFILLED = re.compile(r"\s*[\"']?\$\{?[A-Za-z_]\w{0,60}\}?[\"']?\s*")
_UNFILLED_CONTENT = re.compile(rb"\$\{?(?:alertmanager_)?content\b")


def read(body: Body) -> tuple[Alert, ...] | None:
    """Read a test request, which has neither a body nor a query. Return None if the request has one of them."""
    return None if body.callback.body.strip() or body.callback.query else (_test_alert(body),)


def read_template(body: Body) -> tuple[Alert, ...] | None:
    """Read an unfilled template. Return None for any other callback.

    Call this reader only after all other readers, because a real alert may quote a template.
    """
    sent = body.callback.body.strip() or body.callback.query
    unfilled = b"$" in sent and (_UNFILLED.fullmatch(sent.decode("utf-8", "replace")) or _UNFILLED_CONTENT.search(sent))
    return (_test_alert(body),) if unfilled else None


def _test_alert(body: Body) -> Alert:
    return Alert(
        kind=TEST, identity=_NEVER_MERGED, key="", subject="", state=None, level=Level.WARN, fields=body.fields
    )


KIND_SPEC = KindSpec(kind=TEST, read=read, read_remnant=read_template)
