"""`trayalert setup` where no window can open."""

import pytest

from tests.program import ServeProcess, run


@pytest.mark.parametrize("name", ["setup", "guide"])
def test_the_setup_assistant_needs_an_instance_with_windows(serve: ServeProcess, name: str) -> None:
    done = serve.run(name)

    assert (done.status, done.out) == (1, "")
    assert "`trayalert serve` runs there, which has no windows." in done.err


def test_the_former_name_of_setup_is_not_listed() -> None:
    names = {line.split()[0] for line in run("--help").lines if line.startswith("  ") and line.split()}

    assert "setup" in names
    assert "guide" not in names
