"""Passes callbacks through all layers (parse, store, read, show, link, export), and checks the result of each layer.

No layer may raise an exception.
"""

import base64
import csv
import io
import json
import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import Qt

from tests.soak.fuzzing.fuzz_target import tables
from tests.soak.harness.judges import formulas, leads_to_console, link_is_safe
from tests.storage.making import keep_raw
from trayalert.callbacks.kinds import read_callback
from trayalert.domain.callback import Callback
from trayalert.domain.incident.console_link import console_links
from trayalert.domain.incident.stored_alert import StoredAlert, StoredIncident
from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import Language
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.export import write_alerts
from trayalert.services.presentation.json_records import alert_record, incident_record
from trayalert.services.presentation.terminal_tables import alert_lines, incident_lines
from trayalert.storage.reader import Reader
from trayalert.storage.writer.appender import Append
from trayalert.storage.writer.writer import Writer
from trayalert.ui.incidents.columns import COLUMNS
from trayalert.ui.incidents.incidents_model import IncidentsModel

EN = Language.EN

NOW = 1_795_000_000_000
HOUR = 3_600_000
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Sent:
    """The body and the query of a callback, as a sender sends them."""

    body: bytes
    query: bytes = b""

    def callback(self, at: int = NOW) -> Callback:
        return Callback(
            received_at=at, method="POST", query=self.query, content_type="text/plain", sender="::1", body=self.body
        )


SENDERS = SourceAddresses(Settings())


class ReadIncidents:
    """Implements those methods of `IncidentQueries` that `IncidentsModel` calls, by reading the log."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def open(self) -> Sequence[StoredIncident]:
        return self._reader.open_incidents()[:50]

    def closed(self, *, before: StoredIncident | None, limit: int) -> Sequence[StoredIncident]:
        return self._reader.closed_incidents(before=before, limit=min(limit, 50))

    def by_ids(self, ids: Sequence[int]) -> Sequence[StoredIncident]:
        return self._reader.incidents(ids)

    def unconfirmed(self, incident: StoredIncident) -> bool:
        return incident.incident.open


class Pipeline:
    """Passes groups of callbacks through all layers. `done` counts all callbacks, and `kept` has the first 5,000."""

    def __init__(self, log: Path, writer: Writer) -> None:
        self.done = 0
        self.kept: list[Sent] = []
        self._log = log
        self._writer = writer
        self._tables = tables()
        self._deliveries = 0

    def take(self, group: Sequence[Sent]) -> None:
        """Parse a group of callbacks, store the group in one transaction, and check links and stored bytes."""
        jobs = []
        for one in group:
            callback = one.callback()
            alerts = read_callback(callback)
            assert alerts, one
            for alert in alerts:
                for link in console_links(alert, self._tables[0]):
                    self._judge_link(link.url, link.grade, one)
            jobs.append(Append(callback, alerts))
        results = self._writer.commit(jobs)
        assert not [result for result in results if isinstance(result, Exception)], (group, results)
        assert [(query, body) for query, body in self._new_deliveries()] == [(one.query, one.body) for one in group]
        self.done += len(group)
        self.kept += group[: max(0, 5_000 - len(self.kept))]

    def _new_deliveries(self) -> list[tuple[bytes, bytes]]:
        with closing(sqlite3.connect(f"{self._log.as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "SELECT id, query, body FROM delivery WHERE id > ? ORDER BY id", (self._deliveries,)
            ).fetchall()
        self._deliveries = rows[-1][0]
        return [(bytes(query), bytes(body)) for _, query, body in rows]

    @staticmethod
    def _judge_link(link: str, grade: str, sent: object) -> None:
        assert leads_to_console(link) if grade == "sender" else link_is_safe(link), (link, sent)

    def check_stored(self) -> None:
        """Read everything that was stored, as the export, the terminal and the table do, and check each result."""
        with closing(Reader(self._log)) as reader:
            found = list(reader.alerts(limit=None, raw=True))
            for stored in found:
                for table in self._tables:
                    for link in alert_record(stored, table, SENDERS)["links"]:
                        self._judge_link(link["url"], link["grade"], stored.raw)
                assert base64.b64decode(alert_record(stored, self._tables[0], SENDERS)["raw"]) == stored.raw
            self._export(found)
            self._show(reader)

    def _export(self, found: Sequence[StoredAlert]) -> None:
        for table in self._tables[:1]:
            for form in ("csv", "json"):
                output = self._log.with_name(f"out.{form}")
                assert write_alerts(iter(found), table, SENDERS, file_format=form, output=str(output)) == len(found)
                text = output.read_bytes().decode()
                if form == "csv":
                    assert not (wrong := formulas(text)), wrong[:5]
                    assert sum(1 for _ in csv.reader(io.StringIO(text, newline=""))) == len(found) + 1
                else:
                    assert [json.loads(line)["id"] for line in text.split("\n")[:-1]] == [one.id for one in found]

    def _show(self, reader: Reader) -> None:
        lines = list(alert_lines(reader.alerts(limit=500), EN, now=NOW))
        incidents = list(reader.every_incident())
        lines += list(incident_lines(incidents, EN, now=NOW + HOUR, mute_period=HOUR))
        assert not [line for line in lines if _INVISIBLE.search(line)]
        for incident in incidents:
            record = incident_record(incident, self._tables[0], now=NOW, mute_period=HOUR)
            assert json.loads(json.dumps(record, allow_nan=False)) == json.loads(json.dumps(record))
        queries = ReadIncidents(reader)
        self._show_rows(IncidentsModel(queries, language=lambda: EN, now=lambda: NOW + HOUR))  # type: ignore[arg-type]  # what it asks for is there

    def _show_rows(self, model: IncidentsModel) -> None:
        assert model.rowCount()
        for row in range(model.rowCount()):
            for column in range(len(COLUMNS)):
                text = model.data(model.index(row, column), Qt.ItemDataRole.DisplayRole)
                assert text is None or not _INVISIBLE.search(str(text)), text


@contextmanager
def pipeline(folder: Path) -> Iterator[Pipeline]:
    """Open a pipeline with a new log in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = Writer(folder / "trayalert.db", read=read_callback, keep_raw=keep_raw)
    try:
        yield Pipeline(folder / "trayalert.db", writer)
    finally:
        writer.close()
