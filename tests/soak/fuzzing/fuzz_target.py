"""The target of the fuzzers: arbitrary bytes as a callback, and arbitrary texts as the parts of a link.

A function of this module raises an exception if it finds a bug.
"""

import json
from dataclasses import replace

from tests.soak.harness.judges import leads_to_console, link_is_safe
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.alert import Alert
from trayalert.domain.incident.console_link import LinkTable, Site, console_links, is_allowed
from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import Language
from trayalert.services.presentation.alert_text import (
    metric_text,
    name_text,
    resource_component_text,
    rule_condition_text,
    value_text,
)
from trayalert.services.presentation.link_table import link_table

_TABLES: list[LinkTable] = []


def tables() -> list[LinkTable]:
    if not _TABLES:
        _TABLES.extend(link_table(Settings(site=site, default_region="cn-hangzhou")) for site in Site)
    return _TABLES


def check(data: bytes) -> None:
    """Check one input, whose first byte says what kind of input it is."""
    kind, rest = data[:1], data[1:]
    if kind == b"u":
        check_url(rest.decode("utf-8", "surrogateescape"))
    elif kind == b"l":
        texts = rest.decode("utf-8", "surrogateescape").split("\n")
        check_link(*(texts + [""] * 5)[:5])
    else:
        query, _, body = rest.partition(b"\0\0") if kind == b"q" else (b"", b"", data)
        check_callback(query, body)


def check_callback(query: bytes, body: bytes) -> None:
    """Check that a callback, whatever its bytes, becomes alerts that can be stored, shown and linked."""
    callback = Callback(
        received_at=1_795_000_000_000, method="POST", query=query, content_type="", sender="", body=body
    )
    alerts = read_callback(callback)
    assert alerts, "no alert"
    for alert in alerts:
        _check_texts(alert)
        for table in tables():
            _check(alert, table)


def _check_texts(alert: Alert) -> None:
    line = json.dumps([dict(alert.fields), dict(alert.dimensions), alert.value, alert.at], allow_nan=False)
    line += "".join(filter(None, (alert.key, alert.subject, alert.name, alert.resource_id, alert.region)))
    line += "".join(filter(None, (alert.address, alert.message, *alert.titles.values(), *alert.links.values())))
    line.encode()  # raises if there is a lone surrogate, which neither SQLite nor stdout accepts
    assert alert.at is None or abs(alert.at) < 2**63
    for language in Language:
        for words in (name_text, metric_text, value_text, rule_condition_text):
            shown = words(alert, language)
            assert len(shown) <= 600
            assert shown.isprintable() or not shown.isascii()
            assert "\n" not in shown
    assert "\n" not in resource_component_text(alert)


def check_link(namespace: str, dimension: str, value: str, region: str, other: str) -> None:
    """Check that a link made from hostile parts leads to the console, unless no link is made."""
    (plain,) = read_callback(_PLAIN)
    dimensions = {dimension: value, "instanceId": other, "diskId": value, "regionId": region}
    for table in tables():
        names = [*table.templates, namespace]
        alert = replace(
            plain,
            namespace=names[len(value) % len(names)] or namespace,
            region=region,
            dimensions=dimensions,
            links={"resource": value, "rule": other, dimension: namespace},
        )
        _check(alert, table)


def check_url(url: str) -> None:
    """Check that a URL leads to the console if the allow-list admits it."""
    assert not is_allowed(url) or leads_to_console(url), f"leads elsewhere: {url!r}"


def _check(alert: Alert, table: LinkTable) -> None:
    for link in console_links(alert, table):
        # trayalert's own links must also lead to the intended page
        safe = leads_to_console if link.grade == "sender" else link_is_safe
        assert safe(link.url), f"leads elsewhere: {link!r}"


_PLAIN = Callback(
    received_at=1_795_000_000_000, method="POST", body=b"alertState=ALERT&namespace=acs_ecs_dashboard&ruleId=r&userId=1"
)
