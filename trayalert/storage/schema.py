"""The log's schema, as migration steps. A released step is never edited, because users' files were made with it.

`PRAGMA user_version` is the number of steps that have been run on a file. Each step is one transaction. trayalert has
not been released yet, so the only step is still edited. `PRAGMA application_id` holds a digest of the text of all
steps. A file with another digest was made with other steps, and is refused.
"""

import hashlib
import sqlite3
from pathlib import Path

from trayalert.domain.phrase import Phrase
from trayalert.storage.faults import OtherVersion

STEPS = (
    # Step 1:
    # - delivery, alert, incident: each row has a digest.
    # - secret_use: how often each secret was used, and when it was last used.
    # - numbering: the highest id that was ever assigned in each table, because no id is assigned twice. `thinned` is
    #   the id of the last delivery that was retired by age or size.
    # - salvage: the logs that were moved aside, and how many of their deliveries were stored in this log again.
    # - reparse: the progress of the current reparse.
    # - gap: spans in which no callback could arrive.
    """
    CREATE TABLE delivery (
        id INTEGER PRIMARY KEY,
        received_at INTEGER NOT NULL,
        alert_id INTEGER,
        method TEXT NOT NULL,
        query BLOB NOT NULL,
        content_type TEXT NOT NULL,
        sender TEXT NOT NULL,
        body BLOB NOT NULL,
        secret TEXT NOT NULL,
        digest BLOB
    ) STRICT;
    CREATE TABLE alert (
        id INTEGER PRIMARY KEY,
        delivery_id INTEGER NOT NULL,
        received_at INTEGER NOT NULL,
        incident_id INTEGER,
        deliveries INTEGER NOT NULL,
        last_delivery_id INTEGER NOT NULL,
        late INTEGER NOT NULL,
        identity TEXT NOT NULL,
        kind TEXT NOT NULL,
        state TEXT,
        level TEXT NOT NULL,
        previous_level TEXT,
        at INTEGER,
        name TEXT,
        rule_id TEXT,
        metric TEXT,
        metric_title TEXT,
        value REAL,
        value_text TEXT,
        unit TEXT,
        expression TEXT,
        namespace TEXT,
        region TEXT,
        resource_id TEXT,
        resource_name TEXT,
        account_id TEXT,
        group_name TEXT,
        dimensions TEXT NOT NULL,
        more TEXT,
        digest BLOB
    ) STRICT;
    CREATE INDEX alert_identity ON alert (identity);
    CREATE INDEX alert_incident ON alert (incident_id);
    CREATE INDEX alert_unrecognised ON alert (kind) WHERE kind = 'unrecognised';
    CREATE INDEX alert_delivery ON alert (delivery_id);
    CREATE TABLE incident (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL,
        subject TEXT NOT NULL,
        opened_at INTEGER NOT NULL,
        start_known INTEGER NOT NULL,
        closed_at INTEGER,
        closed_by TEXT,
        level TEXT NOT NULL,
        worst_level TEXT NOT NULL,
        no_data INTEGER NOT NULL,
        fired_at INTEGER,
        ok_at INTEGER,
        last_at INTEGER NOT NULL,
        last_received_at INTEGER NOT NULL,
        expires_at INTEGER,
        alerts INTEGER NOT NULL,
        last_alert_id INTEGER NOT NULL,
        digest BLOB
    ) STRICT;
    CREATE INDEX incident_key ON incident (key, ok_at);
    CREATE INDEX incident_subject ON incident (subject, ok_at);
    CREATE INDEX incident_open ON incident (opened_at) WHERE closed_at IS NULL;
    CREATE INDEX incident_closed ON incident (closed_at, id) WHERE closed_at IS NOT NULL;
    CREATE TABLE secret_use (
        name TEXT PRIMARY KEY,
        deliveries INTEGER NOT NULL,
        last_at INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE numbering (
        delivery INTEGER NOT NULL,
        alert INTEGER NOT NULL,
        incident INTEGER NOT NULL,
        thinned INTEGER NOT NULL
    ) STRICT;
    INSERT INTO numbering VALUES (0, 0, 0, 0);
    CREATE TABLE salvage (
        folder TEXT PRIMARY KEY,
        why TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        finished_at INTEGER,
        first INTEGER NOT NULL,
        last INTEGER NOT NULL,
        position INTEGER NOT NULL,
        salvaged INTEGER NOT NULL,
        damaged INTEGER NOT NULL,
        missing INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE reparse (
        begun_at INTEGER NOT NULL,
        position INTEGER NOT NULL,
        last INTEGER NOT NULL,
        turned INTEGER NOT NULL,
        refreshed INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE gap (
        id INTEGER PRIMARY KEY,
        cause TEXT NOT NULL,
        began_at INTEGER NOT NULL,
        ended_at INTEGER,
        why TEXT
    ) STRICT;
    CREATE INDEX gap_began ON gap (began_at);
    """,
)


SCHEMA_DIGEST = int.from_bytes(hashlib.blake2b("".join(STEPS).encode(), digest_size=4).digest(), "big") >> 1 or 1
"""Value of `PRAGMA application_id` in a log: a positive number that fits into a signed 32-bit integer.

The value is never 0, which is the default in databases that trayalert did not make.
"""


def migrate(connection: sqlite3.Connection, *, steps: tuple[str, ...] = STEPS) -> None:
    """Run the migration steps that have not been run on the file yet.

    The caller must call `refuse_other_version` first.
    """
    version = schema_version(connection)
    for number, step in enumerate(steps[version:], start=version + 1):
        connection.executescript(
            f"BEGIN IMMEDIATE;{step};PRAGMA user_version = {number};PRAGMA application_id = {SCHEMA_DIGEST};COMMIT;"
        )


def schema_version(connection: sqlite3.Connection) -> int:
    """Return the number of migration steps that have been run on the file, or 0 if the file was never set up."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def refuse_other_version(connection: sqlite3.Connection, path: Path) -> None:
    """Raise OtherVersion if another version of trayalert made the file. Accept a file that was never set up."""
    version = schema_version(connection)
    digest = int(connection.execute("PRAGMA application_id").fetchone()[0])
    if version > len(STEPS) and digest:
        raise OtherVersion(
            Phrase(
                "the log is of version {version}, this trayalert knows versions up to {newest}: it was written by a "
                "newer trayalert. Install that one again, or use another --data-dir.",
                version=version,
                newest=len(STEPS),
            )
        )
    if version and digest != SCHEMA_DIGEST:
        raise OtherVersion(
            Phrase(
                "This log was made by an earlier unreleased trayalert. Start with another --data-dir, or move {path} "
                "away.",
                path=path,
            )
        )
