"""Exports hostile alerts to a CSV file and opens the file in a real spreadsheet program.

The program is Gnumeric, which treats the cells of a CSV file as if a user had typed them.
"""

import csv
import gzip
import random
import re
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tests.bench.figures import Figure
from tests.soak.fuzzing.fuzz_target import tables
from tests.soak.harness.pipeline import SENDERS
from tests.storage.making import append, writing
from trayalert.services.presentation.export import write_alerts
from trayalert.storage.reader import Reader
from trayalert.storage.writer.appender import Append

ALERTS = 20_000
_BEGINS = (
    "=",
    "+",
    "-",
    "@",
    "＝",
    "＋",
    "－",
    "＠",
    "\t=",
    "\r=",
    "\n=",
    " =",
    "\u3000=",
    "\u200b=",
    "\ufeff=",
    '"=',
    "'=",
    ";=",
    ",=",
)
_FORMULAS = (
    "1+1",
    "SUM(A1:A9)",
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://127.0.0.1/"&A1)',
    "A1",
    "1)",
    "NOW()",
    '1+1"',
    "1,=1+1",
    "1\n=1+1",
)
_CELL = re.compile(r"<gnm:Cell ([^>]*)>([^<]*)<")


def formula_cells(table: Path) -> int:
    """Return how many cells Gnumeric treats as formulas: cells without a ValueType in Gnumeric's file format."""
    opened = table.with_suffix(".gnumeric")
    subprocess.run(["ssconvert", "--import-type=Gnumeric_stf:stf_csvtab", table, opened], check=True)
    cells = _CELL.findall(gzip.decompress(opened.read_bytes()).decode())
    assert len(cells) > 100
    return sum("ValueType" not in attributes for attributes, _ in cells)


def measure(folder: Path, alerts: int = ALERTS) -> list[Figure]:
    log, table, control = (folder / name for name in ("trayalert.db", "alerts.csv", "control.csv"))
    chance = random.Random(1)
    texts = [chance.choice(_BEGINS) + chance.choice(_FORMULAS) for _ in range(alerts)]
    with writing(log) as writer:
        for start in range(0, alerts, 500):
            jobs = []
            for number, text in enumerate(texts[start : start + 500], start):
                good = append(f"i-{number}")
                hostile = replace(
                    good.alerts[0], name=text, resource_id=text, value_text=text, unit=text, expression=text
                )
                jobs.append(Append(good.callback, (replace(hostile, dimensions={text: text}, fields={text: text}),)))
            assert not [result for result in writer.commit(jobs) if isinstance(result, Exception)]
    with closing(Reader(log)) as reader:
        count = write_alerts(reader.alerts(limit=None), tables()[0], SENDERS, file_format="csv", output=str(table))
    with control.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([number, text] for number, text in enumerate(texts[:500]))
    return [
        Figure(
            "spreadsheet: cells that are formulas", formula_cells(table), "", ("<=", 0), f"of {count} hostile alerts"
        ),
        Figure("control: the same texts as they are", formula_cells(control), "formulas", (">=", 1), "of 500 rows"),
    ]
