"""What the program says on stderr of itself."""

import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from trayalert.app.logging_setup import AT_ONCE, PAUSE, Sparing, log_to_stderr
from trayalert.services.secrets import Secrets


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def said(tmp_path: Path) -> Iterator[io.StringIO]:
    """What a program with a secret of its own writes."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    stream = io.StringIO()
    log_to_stderr(Secrets(tmp_path / "secrets.json").mask)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(stream)
    yield stream
    root.handlers[:], root.level = before


def test_a_flood_of_one_kind_is_cut_short_and_counted(said: io.StringIO) -> None:
    for number in range(100_000):
        logging.getLogger("disk").error("callback %d was refused", number)
    logging.getLogger("disk").error("something else")

    lines = said.getvalue().splitlines()
    assert len(lines) == AT_ONCE + 1
    assert lines[-1].endswith("something else")


def test_what_was_left_out_is_told_with_the_next_that_is_written() -> None:
    clock = Clock()
    sparing = Sparing(clock)

    def record() -> logging.LogRecord:
        return logging.LogRecord("disk", logging.ERROR, "", 0, "refused", (), None)

    assert sum(sparing.filter(record()) for _ in range(500)) == AT_ONCE
    clock.now = PAUSE
    late = record()
    assert sparing.filter(late)
    assert late.left_out == 500 - AT_ONCE  # type: ignore[attr-defined]
    assert not sparing.filter(record())
    clock.now += PAUSE * AT_ONCE
    assert sum(sparing.filter(record()) for _ in range(500)) == AT_ONCE


def test_no_secret_comes_out_in_any_form(said: io.StringIO, tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets.json")
    secret = secrets.present
    encoded = "".join(f"%{ord(letter):02X}" for letter in secret)
    some = f"%{ord(secret[0]):02x}{secret[1:]}"

    for form in (secret, encoded, some):
        logging.getLogger("x").error("GET /hook/%s", form)
        logging.getLogger("x").error("%r", f"/hook/{form}".encode())

    assert said.getvalue().count("***") == 6
    assert secret[1:] not in said.getvalue()
    assert encoded not in said.getvalue()
