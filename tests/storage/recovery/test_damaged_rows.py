"""A row with a damaged value hides no other row.

Whatever bytes are changed, a query returns rows, or fails with a fault that has a sentence.
"""

import json
import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.soak.fuzzing.fuzz_target import tables
from tests.storage.making import NOON, append, raw_callback, read, store
from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import Language
from trayalert.services.access.source_address import SourceAddresses
from trayalert.services.presentation.export import write_alerts
from trayalert.services.presentation.json_records import alert_record, incident_record
from trayalert.services.presentation.terminal_tables import alert_lines, incident_lines
from trayalert.storage.faults import LogFault
from trayalert.storage.reader import Reader

EN = Language.EN

SENDERS = SourceAddresses(Settings())


@pytest.mark.timeout(600)
def test_flipped_bytes_end_in_rows_or_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "trayalert.db"
    store(path, *(append(f"i-{n}", at=NOON + n) for n in range(12)), read(raw_callback(b"{}")))
    whole, chance = path.read_bytes(), random.Random(7)
    readable = 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(chance.choice((1, 1, 2, 4))):
            content[chance.randrange(4096, len(content))] = chance.randrange(256)
        for end in ("-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)
        path.write_bytes(content)
        readable += sum(answers(path, question) for question in (alerts, incidents, exported, summed_up))
    assert readable > 800  # most rows are valid


def answers(path: Path, question: Callable[[Reader], object]) -> bool:
    try:
        with closing(Reader(path)) as reader:
            question(reader)
    except LogFault:
        return False
    return True


def alerts(reader: Reader) -> None:
    for one in reader.alerts(limit=None, raw=True):
        json.dumps(alert_record(one, tables()[0], SENDERS))
    list(alert_lines(reader.alerts(limit=None), EN, now=NOON))


def incidents(reader: Reader) -> None:
    found = list(reader.every_incident())
    for one in found:
        json.dumps(incident_record(one, tables()[0], now=NOON, mute_period=1))
    list(incident_lines(found, EN, now=NOON, mute_period=1))


def exported(reader: Reader) -> None:
    write_alerts(reader.alerts(limit=None), tables()[0], SENDERS, file_format="csv", output="/dev/null")


def summed_up(reader: Reader) -> None:
    reader.totals()
    reader.open_levels()
    reader.worst_open_incidents(limit=6)
    reader.closed_incidents(before=None, limit=50)
