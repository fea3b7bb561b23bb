"""No reader of this process opens a file that has replaced the log while the writer still has the log open."""

from pathlib import Path

import pytest

from tests.storage.making import append, reading, rows, store, writing
from trayalert.storage.faults import NoLog
from trayalert.storage.read_connection import open_read_only
from trayalert.storage.reader import Reader
from trayalert.storage.recovery.backups import copy_log


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "trayalert.db"


def open_and_close(path: Path) -> None:
    with open_read_only(path):
        pass


def test_another_file_in_its_place_is_left_to_the_writer(path: Path, tmp_path: Path) -> None:
    store(tmp_path / "other", append("i-2"))
    with writing(path) as writer:
        assert not isinstance(writer.commit([append("i-1")])[0], Exception)
        before = path.with_name(f"{path.name}-shm").stat().st_size
        (tmp_path / "other").replace(path)
        for open_ in (Reader, open_and_close, lambda at: copy_log(at, tmp_path / "copy")):
            with pytest.raises(NoLog, match="another file was put in the place of the log"):
                open_(path)
        assert path.with_name(f"{path.name}-shm").stat().st_size == before
        assert not isinstance(writer.commit([append("i-3")])[0], Exception)
        with reading(path) as reader:
            assert [one.alert.resource_id for one in reader.alerts(limit=9)] == ["i-3", "i-2"]


def test_without_a_writer_any_file_is_read(path: Path, tmp_path: Path) -> None:
    store(path, append("i-1"))
    store(tmp_path / "other", append("i-2"))
    (tmp_path / "other").replace(path)

    assert rows(path, "SELECT resource_id FROM alert") == [("i-2",)]
    Reader(path).close()
