"""constraints.txt has the versions of all packages that the tests run with."""

import importlib.metadata
import re
import tomllib
from pathlib import Path

import trayalert

ROOT = Path(__file__).parent.parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LINES = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
PINS = {name.lower(): version for name, version in (line.split(" ;")[0].split("==") for line in LINES)}
EVERYWHERE = sorted(line.split("==")[0] for line in LINES if ";" not in line)


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_each_constraint_is_one_exact_version_and_no_address() -> None:
    where = r"(platform_machine == 'x86_64' and )?(sys_platform|platform_python_implementation) [!=]= '\w+'"
    pin = re.compile(rf"[a-z0-9-]+==[0-9!.]+( ; {where})?")

    assert [line for line in LINES if not pin.fullmatch(line)] == []


def test_all_that_the_project_asks_for_is_pinned() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    required = [*project["dependencies"], *extras["dev"], *extras["soak"], *PROJECT["build-system"]["requires"]]
    assert required

    assert {normal(match[0]) for text in required if (match := re.match(r"[\w.-]+", text))} <= PINS.keys()


def test_the_suite_runs_with_the_pinned_versions() -> None:
    assert {name: importlib.metadata.version(name) for name in EVERYWHERE} == {name: PINS[name] for name in EVERYWHERE}


def test_the_project_and_the_program_say_the_same_version() -> None:
    assert PROJECT["project"]["version"] == trayalert.__version__
