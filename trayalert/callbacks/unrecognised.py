"""Turns a callback that no parser recognises into an alert.

The sender of the callback knows the secret, so the callback is kept and shown as an alert. The alert's title and text
are taken from the parts in which most webhooks send a title and a text.
"""

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice
from typing import Any, Final

from trayalert.callbacks.kind_spec import KindSpec
from trayalert.callbacks.parsing.body import Body
from trayalert.callbacks.parsing.identity import text_identity
from trayalert.callbacks.parsing.tree import Tree
from trayalert.domain.incident.alert import UNRECOGNISED, Alert
from trayalert.domain.incident.incident import UNRECOGNISED_KEY
from trayalert.domain.incident.level import Level

# Sources: the webhook documentation of Slack, Teams, Discord, DingTalk, WeCom, Lark, Telegram, Bark, ServerChan,
# Zabbix, Uptime Kuma and Grafana's legacy alerting
_TITLES = ("title", "subject", "ruleName", "alertName", "eventName", "headline", "name", "summary")
_TEXTS = (
    "message", "text", "msg", "content", "description", "body", "desp", "desc", "details", "summary", "error",
    "fallback",
)  # fmt: skip
_HOLDERS = (
    "event", "alert", "attachments", "markdown", "text", "content", "msg", "message", "embeds", "body", "data",
    "payload",
)  # fmt: skip
_ELEMENT = re.compile(
    r"<(?:[\w.-]{1,80}:)?([\w.-]{1,80})(?:\s[^<>]{0,1000})?>"
    r"(?:\s{0,99}<!\[CDATA\[((?:(?!\]\]>|<!\[CDATA).){1,4000})\]\]>\s{0,99}|([^<>]{1,4000}))</",
    re.DOTALL,
)
"""Matches an XML element that contains only text or one CDATA section."""

_DEEP_TITLES = ("title", "subject", "headline")
_DEEP_TEXTS = ("text", "message", "content", "description", "body")
"""At any depth of a body, the names in _DEEP_TITLES stand for a title, and the names in _DEEP_TEXTS for a text.

Neither tuple contains `name`: deep inside a body, a part `name` may be the name of anything.
"""
_MOST_TREES = 200

_MOST_SEARCHED: Final = 65_536
_LONGEST_TITLE, _LONGEST_TEXT = 300, 4_000


def read(body: Body, *, shown: Body | None = None) -> tuple[Alert, ...]:
    """Return one alert for any body.

    The alert's title and text come from `shown`, or from `body` if `shown` is None.
    """
    trees = list(_trees(shown or body))
    title = next(filter(None, (tree.text(*_TITLES) for tree in trees)), None)
    text = next((text for tree in trees if (text := tree.text(*_TEXTS)) not in {None, title}), None)
    for tree in _deep_trees(shown or body):
        title = title or tree.text(*_DEEP_TITLES) or tree.tree(*_DEEP_TITLES).text("content", "text")
        text = text or tree.text(*_DEEP_TEXTS)
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
    """Yield the body, and then the parts of the body that may contain a title and a text.

    For an XML body, yield one tree with all elements, and nothing else.
    """
    elements = body.fields.get("xml") if body.document is None else None
    if elements is not None:
        found = _ELEMENT.finditer(elements[:_MOST_SEARCHED])
        yield Tree({match[1]: match[2] or unescape(match[3]) for match in reversed(list(found))})
        return
    top = Tree(body.names)
    yield top
    for name in _HOLDERS:
        yield next(iter(top.trees(name)), Tree({}))


def _deep_trees(body: Body) -> Iterator[Tree]:
    """Yield the objects at all depths of the body, level by level.

    Chat webhooks nest their texts in blocks and cards, which may be deep inside the body.
    """
    level: list[Any] = [body.document]
    left = _MOST_TREES
    while level and left > 0:
        deeper: list[Any] = []
        for value in islice(level, left):
            left -= 1
            if isinstance(value, list):
                deeper += value[:_MOST_TREES]
            elif isinstance(value, dict):
                yield Tree(value)
                deeper += (part for name, part in value.items() if name.lower() not in _DEEP_TITLES)
        level = [value for value in deeper if isinstance(value, dict | list)]


KIND_SPEC = KindSpec(kind=UNRECOGNISED, read=read)
