"""What no parser reads is still an alert: somebody who knows the secret wanted to say something.

It is shown with the title and text that most webhooks have, however they call them.
"""

import re
from collections.abc import Iterator
from html import unescape
from typing import Final

from trayalert.callbacks.body import Body
from trayalert.callbacks.identity import text_identity
from trayalert.callbacks.tree import Tree
from trayalert.domain.alert import UNRECOGNISED, Alert
from trayalert.domain.incident import UNRECOGNISED_KEY
from trayalert.domain.level import Level

# as the pages on webhooks of Slack, Teams, Discord, DingTalk, WeCom, Lark, Telegram, Bark, ServerChan, Zabbix, Uptime
# Kuma and Grafana's legacy alerting call them
_TITLES = ("title", "subject", "ruleName", "alertName", "eventName", "headline", "name", "summary")
_TEXTS = ("message", "text", "msg", "content", "description", "body", "desp", "desc", "details", "summary", "error")
_HOLDERS = (
    "event", "alert", "attachments", "markdown", "text", "content", "msg", "message", "embeds", "body", "data",
    "payload",
)  # fmt: skip
_ELEMENT = re.compile(
    r"<(?:[\w.-]{1,80}:)?([\w.-]{1,80})(?:\s[^<>]{0,1000})?>(?:<!\[CDATA\[)?([^<>]{1,4000})(?:\]\]>)?</"
)
"""An element of XML that holds nothing but text."""

_LOOKED_AT: Final = 65_536
_LONGEST_TITLE, _LONGEST_TEXT = 300, 4_000


def read(body: Body, *, shown: Body | None = None) -> tuple[Alert, ...]:
    """Make an alert of anything, with the words of the part that is `shown`."""
    trees = list(_trees(shown or body))
    title = next(filter(None, (tree.text(*_TITLES) for tree in trees)), None)
    text = next(filter(None, (tree.text(*_TEXTS) for tree in trees)), None)
    return (
        Alert(
            kind=UNRECOGNISED,
            identity=text_identity(body.callback),
            key=UNRECOGNISED_KEY,
            subject=UNRECOGNISED_KEY,
            state=None,
            level=Level.WARN,
            name=title[:_LONGEST_TITLE] if title else None,
            message=text[:_LONGEST_TEXT] if text and text != title else None,
            fields=body.fields,
        ),
    )


def _trees(body: Body) -> Iterator[Tree]:
    """Return the body and what it holds one level down, the outer one first."""
    elements = body.fields.get("xml") if body.document is None else None
    if elements is not None:
        found = _ELEMENT.finditer(elements[:_LOOKED_AT])
        yield Tree({match[1]: unescape(match[2]) for match in reversed(list(found))})
        return
    top = Tree(body.names)
    yield top
    for name in _HOLDERS:
        yield next(iter(top.trees(name)), Tree({}))
