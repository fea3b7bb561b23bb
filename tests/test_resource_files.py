import subprocess
import sys
from pathlib import Path

import pytest

from trayalert.resource_files import read_text, resource_path
from trayalert.services.presentation.help_pages import read_pages

ROOT = Path(__file__).parent.parent
READ = "import trayalert.resource_files as r; print(r.__file__); print(r.read_text('console_links.json'))"


def pip(*arguments: str | Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], check=True, timeout=120
    )


def files_of(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_a_checkout_reads_the_resources_where_they_lie() -> None:
    assert resource_path("console_links.json") == ROOT / "resources" / "console_links.json"
    assert read_text("console_links.json") == (ROOT / "resources" / "console_links.json").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel of trayalert, let pip install the wheel into a folder, and return the folder."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    pip("install", "--no-deps", "--target", folder / "installed", wheel)
    return folder / "installed"


def run_python(program: str, installed: Path, folder: Path) -> str:
    """Run a program in `folder` with the installed wheel, and return what the program prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def test_a_wheel_reads_the_resources_that_it_carries(installed: Path, tmp_path: Path) -> None:
    printed = run_python(READ, installed, tmp_path)

    place, _, text = printed.partition("\n")
    assert Path(place).is_relative_to(installed)
    assert text.rstrip("\n") == read_text("console_links.json").rstrip("\n")


def test_a_wheel_shows_the_help_that_it_carries(installed: Path, tmp_path: Path) -> None:
    read = (
        "import trayalert.services.presentation.help_pages as h; print(h.__file__, h.find_image('../images/blind.svg'))"
    )
    printed = run_python(f"{read}; print(*h.read_pages(), sep='\\n')", installed, tmp_path)

    places, *pages = printed.splitlines()
    assert all(Path(place).is_relative_to(installed) for place in places.split())
    assert pages == [str(page) for page in read_pages()]


def test_a_wheel_carries_every_resource(installed: Path) -> None:
    here = ROOT / "resources"
    inside = installed / "trayalert" / "_resources"

    assert files_of(inside) == {path for path in files_of(here) if path.suffix != ".po"}
