"""Fixtures for the tests of the setup assistant."""

from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from tests.ui.fake_backend import FakeBackend
from tests.ui.setup.walk import Walk


@pytest.fixture
def backend() -> FakeBackend:
    return FakeBackend()


@pytest.fixture
def walk(qtbot: QtBot, backend: FakeBackend) -> Iterator[Walk]:
    walk = Walk(qtbot, backend)
    yield walk
    walk.assistant.hide()
