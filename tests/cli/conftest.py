"""Fixtures for the tests of the commands: a running instance, and a data dir without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import ServeProcess, serving
from tests.storage.making import append, store


@pytest.fixture(scope="module")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """Run an instance that the tests of a module share. They only add to the log."""
    with serving(tmp_path_factory.mktemp("serve")) as running:
        yield running


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """Return a data dir whose log holds three alerts. No instance runs on it."""
    folder = tmp_path / "data"
    folder.mkdir()
    ok = append("i-1", at=1_790_000_060_000, alertState="OK", triggerLevel="OK")
    store(folder / "trayalert.db", append("i-1", alertName="磁盘 100%"), append("i-2", alertName="disk_full"), ok)
    return folder
