"""The program log, on stderr and in its file."""

import io
import logging
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import run, serving
from trayalert.app.platform.logging_setup import (
    AT_ONCE,
    LARGEST,
    LIFECYCLE_LOGGER,
    PAUSE,
    FloodFilter,
    configure_logging,
)
from trayalert.app.platform.places import find_places
from trayalert.services.access.secrets import Secrets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def stderr(tmp_path: Path) -> Iterator[io.StringIO]:
    """Yield the stderr of a program that masks its own secret in the program log."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(Secrets(tmp_path / "secrets.json").mask)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:], root.level = before


def test_a_flood_of_one_kind_is_cut_short_and_counted(stderr: io.StringIO) -> None:
    for number in range(100_000):
        logging.getLogger("disk").error("callback %d was refused", number)
    logging.getLogger("disk").error("something else")

    lines = stderr.getvalue().splitlines()
    assert len(lines) == AT_ONCE + 1
    assert lines[-1].endswith("something else")


def test_what_was_left_out_is_told_with_the_next_that_is_written() -> None:
    clock = Clock()
    flood_filter = FloodFilter(clock)

    def record() -> logging.LogRecord:
        return logging.LogRecord("disk", logging.ERROR, "", 0, "refused", (), None)

    assert sum(flood_filter.filter(record()) for _ in range(500)) == AT_ONCE
    clock.now = PAUSE
    late = record()
    assert flood_filter.filter(late)
    assert late.left_out == 500 - AT_ONCE  # type: ignore[attr-defined]
    assert not flood_filter.filter(record())
    clock.now += PAUSE * AT_ONCE
    assert sum(flood_filter.filter(record()) for _ in range(500)) == AT_ONCE


def test_no_secret_comes_out_in_any_form(stderr: io.StringIO, tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets.json")
    secret = secrets.current
    encoded = "".join(f"%{ord(character):02X}" for character in secret)
    some = f"%{ord(secret[0]):02x}{secret[1:]}"

    for form in (secret, encoded, some):
        logging.getLogger("x").error("GET /hook/%s", form)
        logging.getLogger("x").error("%r", f"/hook/{form}".encode())

    assert stderr.getvalue().count("***") == 6
    assert secret[1:] not in stderr.getvalue()
    assert encoded not in stderr.getvalue()


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """Write the program log to a file, with the program's own secret masked, and yield the file's path."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    path = tmp_path / "trayalert.log"
    configure_logging(Secrets(tmp_path / "secrets.json").mask, path)
    yield path
    root.handlers[:], root.level = before


def flush() -> None:
    for handler in logging.getLogger().handlers:
        handler.flush()


def test_the_file_keeps_warnings_masked_and_cut_short_and_is_nobody_elses(written: Path, tmp_path: Path) -> None:
    secret = Secrets(tmp_path / "secrets.json").current
    logging.getLogger("x").warning("GET /hook/%s", secret)
    for number in range(1000):
        logging.getLogger("disk").error("callback %d was refused", number)
    flush()

    text = written.read_text()
    assert "/hook/***" in text
    assert secret not in text
    assert len(text.splitlines()) == 1 + AT_ONCE
    assert stat.S_IMODE(written.stat().st_mode) == 0o600


def test_there_are_never_more_than_two_files_of_a_megabyte(written: Path) -> None:
    for number in range(15):
        logging.getLogger(f"x{number}").error("%s", "y" * 200_000)
        flush()

    files = sorted(written.parent.glob("trayalert.log*"))
    assert [path.name for path in files] == ["trayalert.log", "trayalert.log.1"]
    assert all(0 < path.stat().st_size <= LARGEST for path in files)


def test_only_the_file_hears_what_is_no_warning(written: Path, file_stderr: io.StringIO) -> None:
    LIFECYCLE_LOGGER.info("trayalert begins")
    logging.getLogger("asyncio").info("chatter")
    flush()

    assert written.read_text().splitlines()[0].endswith("trayalert begins")
    assert "chatter" not in written.read_text()
    assert file_stderr.getvalue() == ""


@pytest.mark.parametrize("obstacle", ["a folder in its place", "no folder"])
def test_a_file_that_cannot_be_written_disturbs_nothing(written: Path, obstacle: str, file_stderr: io.StringIO) -> None:
    if obstacle == "no folder":
        configure_logging(str, written.parent / "none" / "trayalert.log")
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(file_stderr)
    else:
        written.mkdir()
    for _ in range(3):
        logging.getLogger("x").error("something")
        flush()

    lines = file_stderr.getvalue().splitlines()
    assert len(lines) == 3
    assert all(line.endswith("x: something") for line in lines)


@pytest.fixture
def file_stderr(written: Path) -> io.StringIO:
    stream = io.StringIO()
    handler = logging.getLogger().handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    return stream


def test_begin_and_end_of_the_program_stand_in_its_file(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        pid = serve.process.pid
    places = find_places(str(tmp_path / "data"))
    assert places.program_log in places.private
    begin, end = places.program_log.read_text().splitlines()
    assert f"(serve, process {pid}) begins" in begin
    assert end.endswith("trayalert ends: in good order")

    with serving(tmp_path / "data") as serve:
        taken = serve.address.rpartition(":")[2]
        done = run("serve", "--port", taken, data_dir=tmp_path / "other")
    assert done.status == 1
    assert f"port {taken} on 127.0.0.1 is taken" in find_places(str(tmp_path / "other")).program_log.read_text()
