"""Exports alerts for other programs, as CSV for spreadsheets or as JSON with one object per line."""

import csv
import json
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from trayalert.domain.incident.console_link import LinkTable
from trayalert.domain.incident.stored_alert import StoredAlert
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.json_records import Record, alert_record, json_line

COLUMNS = (
    "id", "received_at", "at", "kind", "state", "level", "previous_level", "name", "rule_id", "metric", "metric_title",
    "value", "value_text", "unit", "expression", "namespace", "region", "resource_id", "resource_name", "account_id",
    "group", "address", "message", "dimensions", "incident_id", "late", "deliveries", "sender", "sender_origin",
    "console_url", "fields",
)  # fmt: skip
_NUMBER_COLUMNS = frozenset({"id", "value", "incident_id", "deliveries"})
_FORMULA_STARTS = frozenset("=+-@\N{MINUS SIGN}")
_INVISIBLE = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


def write_alerts(
    alerts: Iterable[StoredAlert],
    links: LinkTable,
    source_addresses: SourceAddresses,
    *,
    file_format: str,
    output: str | None,
) -> int:
    """Write alerts to the file `output`, or to standard output if `output` is None. Return the number of alerts.

    `file_format` is `csv` or `json`. Raise `OSError` if writing fails. After a failure, no incomplete file is left, and
    an existing file is unchanged.
    """
    count = 0
    with _open_output(output) as stream:
        rows = csv.writer(stream) if file_format == "csv" else None
        if rows:
            rows.writerow(COLUMNS)
        for stored in alerts:
            record = alert_record(stored, links, source_addresses)
            if rows:
                rows.writerow([_cell(record, column) for column in COLUMNS])
            else:
                stream.write(json_line(record) + "\n")
            count += 1
    return count


def _cell(record: Record, column: str) -> object:
    value = record[column]
    if value is None or column in _NUMBER_COLUMNS:
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, dict | bool) else str(value)
    return f"'{text}" if _is_formula(text) else text


def _is_formula(text: str) -> bool:
    """Return whether a spreadsheet program could run the text as a formula.

    The text comes from the network, so its author may be an attacker. Some spreadsheet programs skip whitespace and
    invisible characters before a formula. Some treat a full-width `=` like an ASCII `=`.
    """
    if text.startswith(("\t", "\r", "\n")):
        return True
    first = next((char for char in text if unicodedata.category(char) not in _INVISIBLE), "")
    return unicodedata.normalize("NFKC", first)[:1] in _FORMULA_STARTS


@contextmanager
def _open_output(output: str | None) -> Iterator[TextIO]:
    if output is None:
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(newline="")
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(output).resolve()  # so that a symbolic link is kept, and its target is replaced
    if path.exists() and not path.is_file():  # a pipe or a device, which must not be replaced by a file
        with path.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        return
    partial = path.with_name(f"{path.name}.part")
    try:
        with partial.open("w", encoding="utf-8", newline="") as stream:
            yield stream
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
