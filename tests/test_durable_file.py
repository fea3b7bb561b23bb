import stat
from pathlib import Path

from trayalert.durable_file import write_private


def test_a_private_file_is_made_private_over_an_open_one(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    path.write_text("old")
    path.chmod(0o644)

    write_private(path, "new")

    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new", 0o600)
