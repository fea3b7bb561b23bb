"""A running instance for the tests of the control socket and of the data dir's owner."""

from collections.abc import Iterator

import pytest

from tests.program import ServeProcess, serving


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServeProcess]:
    """A running instance for all tests that leave it as it is."""
    with serving(tmp_path_factory.mktemp("shared")) as running:
        yield running
