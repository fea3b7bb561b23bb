"""What lies beside the log's file: its backups, damaged files that were moved aside, and the reserve file."""

from pathlib import Path


def backups_of(log: Path) -> Path:
    """Return the folder of the daily backups."""
    return log.with_name("backups")


def quarantine_of(log: Path) -> Path:
    """Return the folder of files that were moved aside; nothing in it is ever deleted."""
    return log.with_name("quarantine")


def reserve_file_of(log: Path) -> Path:
    """Return the file that is let go when the disk is full, so that what waits can still be stored."""
    return log.with_name("ballast")


def restored_of(log: Path) -> Path:
    """Return the file of a restored backup that is whole and waits to take the log's place."""
    return log.with_name(f"{log.name}.restored")
