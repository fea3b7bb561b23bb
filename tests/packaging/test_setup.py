"""Runs packaging/setup.sh with programs that only record how they were called, so that nothing is installed."""

import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import PySide6
import pytest

from tests.desktop.harness.desktop_programs import _PACKAGES
from trayalert.resource_files import read_text

ROOT = Path(__file__).parent.parent.parent
COPIED = ("pyproject.toml", "constraints.txt", "Makefile", "packaging/setup.sh", "resources/qt_libraries.txt")
BORROWED = ("bash", "cat", "cksum", "cp", "dirname", "env", "grep", "mkdir", "rm", "uname")
PYTHON = """
case "$*" in
    "-m venv --clear .venv")
        mkdir -p .venv/bin
        cp "$0" .venv/bin/python
        cp "$0" .venv/bin/pip
        echo "VIRTUAL_ENV='$PWD/.venv'" >.venv/bin/activate
        ;;
    -m\\ pip*) cp "$0" .venv/bin/trayalert ;;
    packaging/*) ;;
    *) exec {python} "$@" ;;
esac
"""


class Machine:
    """A folder with the project's files, and a PATH with only the programs that a test puts there."""

    def __init__(self, folder: Path) -> None:
        self.project = folder / "project"
        self.bin = folder / "bin"
        self._calls = folder / "calls"
        for name in ("packaging", "resources"):
            (self.project / name).mkdir(parents=True)
        self.bin.mkdir()
        for name in (
            "pyproject.toml",
            "constraints.txt",
            "Makefile",
            "packaging/setup.sh",
            "resources/qt_libraries.txt",
        ):
            shutil.copy(ROOT / name, self.project / name)
        for name in BORROWED:
            (self.bin / name).symlink_to(str(shutil.which(name)))
        self.has("python3", PYTHON.format(python=sys.executable))
        self.has("id", "echo 0")
        self.has("install")
        self.has("fc-list", "echo 'WenQuanYi Micro Hei'")
        self.has_libraries()

    def has(self, name: str, does: str = "") -> None:
        """Put a program on the PATH that records how it was called, and then runs the shell commands `does`."""
        path = self.bin / name
        path.write_text(f'#!/bin/bash\necho "{name} $*" >>"{self._calls}"\n{does}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def has_libraries(self, *missing: str) -> None:
        """Make ldconfig list every library of the table except `missing`."""
        there = [what for _, kind, what, _ in table() if kind == "lib" and what not in missing]
        self.has(
            "ldconfig", "\n".join(f"echo '\t{name} (libc6,x86-64) => /lib/{name}'" for name in ["libc.so.6", *there])
        )

    def set_up(self, purpose: str) -> subprocess.CompletedProcess[str]:
        return self._run(self.bin / "bash", self.project / "packaging" / "setup.sh", purpose)

    def make(self, target: str, **screen: str) -> subprocess.CompletedProcess[str]:
        """Run a target of the Makefile, which starts a trayalert that only records how it was called."""
        self.has("trayalert")
        return self._run(str(shutil.which("make")), "-C", self.project, target, f"BIN={self.bin}", **screen)

    def _run(self, *arguments: str | Path, **changes: str) -> subprocess.CompletedProcess[str]:
        self._calls.write_text("")
        return subprocess.run(
            arguments,
            env={"PATH": str(self.bin), "SBIN": "", "JARS": "", "HOME": str(self.project), **changes},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def calls(self, *of: str) -> list[str]:
        """Return how the programs named `of` were called during the last run of `set_up` or `make`."""
        return [line for line in self._calls.read_text().splitlines() if line.startswith(of)]


def table() -> list[list[str]]:
    """Return the rows of the table in setup.sh and of Qt's libraries: purpose, kind, name, and Debian package."""
    libraries = [line for line in read_text("qt_libraries.txt").splitlines() if not line.startswith("#")]
    text = (ROOT / "packaging" / "setup.sh").read_text()
    rows = [line.split() for line in text.partition("<<'TABLE'\n")[2].partition("\nTABLE")[0].splitlines()]
    return [["run", "lib", *line.split()[1:]] for line in libraries] + rows


def packages(*purposes: str) -> list[str]:
    return list(dict.fromkeys(package for purpose, _, _, package in table() if purpose in purposes))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path.resolve())


def pip_calls(machine: Machine) -> list[str]:
    return machine.calls("python3 -m pip")


def test_the_first_time_makes_the_environment_with_the_pinned_versions(machine: Machine) -> None:
    done = machine.set_up("run")

    assert done.returncode == 0
    assert machine.calls("python3 -m venv") == ["python3 -m venv --clear .venv"]
    first, second = pip_calls(machine)
    assert first.endswith(" --constraint constraints.txt hatchling babel")
    assert second.endswith(" --constraint constraints.txt --no-build-isolation --editable .")


def test_a_catalogue_that_has_changed_is_compiled_again(machine: Machine) -> None:
    folder = machine.project / "resources" / "translations" / "zh_CN" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "trayalert.po").touch()
    machine.set_up("run")
    (folder / "trayalert.mo").touch()
    os.utime(folder / "trayalert.po", (0, 0))

    machine.set_up("run")
    assert machine.calls("python3 packaging") == []
    os.utime(folder / "trayalert.mo", (-1, -1))
    machine.set_up("run")
    assert machine.calls("python3 packaging") == ["python3 packaging/build_hook.py"]


@pytest.mark.parametrize("purpose", ["serve", "run", "lint"])
def test_the_second_time_does_and_says_nothing(machine: Machine, purpose: str) -> None:
    machine.set_up(purpose)
    done = machine.set_up(purpose)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert machine.calls("python3 -m") == []


EXTRAS = {"serve": "", "run": "", "lint": "[dev]", "package": "[dev]", "test": "[dev]", "soak": "[dev,soak]"}


@pytest.mark.parametrize("purpose", EXTRAS)
def test_only_who_develops_gets_the_tools_for_it_and_what_is_there_stays(machine: Machine, purpose: str) -> None:
    machine.set_up("serve")
    machine.set_up(purpose)
    assert [call.rpartition(" ")[2] for call in pip_calls(machine)[1:]] == (
        [f".{EXTRAS[purpose]}"] if EXTRAS[purpose] else []
    )

    for lesser in list(EXTRAS)[: list(EXTRAS).index(purpose)]:
        machine.set_up(lesser)
        assert machine.calls("python3 -m") == [], lesser


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_other_requirements_are_installed_into_the_same_environment(machine: Machine, name: str) -> None:
    machine.set_up("run")
    with (machine.project / name).open("a") as file:
        file.write("# changed\n")
    machine.set_up("run")

    assert machine.calls("python3 -m venv") == []
    assert len(pip_calls(machine)) == 2


def test_an_installation_that_broke_off_is_taken_up_again(machine: Machine) -> None:
    machine.set_up("run")
    (machine.project / ".venv" / ".installed").unlink()
    machine.set_up("run")

    assert len(pip_calls(machine)) == 2


def test_a_checkout_that_was_moved_gets_a_new_environment(machine: Machine) -> None:
    machine.set_up("run")
    machine.project = machine.project.rename(machine.project.with_name("moved"))
    machine.set_up("run")

    assert machine.calls("python3 -m venv") != []


def test_without_a_fitting_python_it_says_what_to_install(machine: Machine) -> None:
    machine.has("python3", "exit 1")
    done = machine.set_up("run")

    assert done.returncode == 1
    assert "Python 3.11, 3.12 or 3.13" in done.stderr


def test_the_newest_fitting_python_is_taken(machine: Machine) -> None:
    machine.has("python3.13", "exit 127")  # like a pyenv shim for a version that is not installed
    machine.has("python3.12", PYTHON.format(python=sys.executable))
    machine.set_up("run")

    assert machine.calls("python3.12 -m venv") != []


def test_on_debian_only_what_is_missing_is_installed_and_named_before(machine: Machine) -> None:
    machine.has_libraries("libxcb-cursor.so.0", "libGL.so.1")
    machine.has("apt-get", 'echo "apt-get runs" >&2')
    done = machine.set_up("run")

    installs = [call for call in machine.calls("apt-get") if " install " in call]
    assert installs
    assert all(call.endswith(" install -y --no-install-recommends libgl1 libxcb-cursor0") for call in installs)
    named = "Installing these Debian packages with apt-get: libgl1 libxcb-cursor0"
    lines = done.stderr.splitlines()
    assert lines.index(named) < lines.index("apt-get runs")


@pytest.mark.parametrize(
    ("purpose", "taken_in"),
    [
        ("serve", []),
        ("lint", []),
        ("run", ["run"]),
        ("package", ["run", "package"]),
        ("test", ["run", "package", "test"]),
        ("bench", ["run", "package", "test", "bench"]),
        ("soak", ["run", "package", "test", "soak"]),
    ],
)
def test_each_purpose_installs_what_it_needs_and_no_more(machine: Machine, purpose: str, taken_in: list[str]) -> None:
    machine.has_libraries(*(what for _, kind, what, _ in table() if kind == "lib"))
    (machine.bin / "fc-list").unlink()
    machine.has("apt-get")
    machine.set_up(purpose)

    call = next((call for call in machine.calls("apt-get") if " install " in call), "")
    requested = call.partition(" --no-install-recommends ")[2].split()
    assert [name for name in requested if not name.startswith("libpython")] == packages(*taken_in)


@pytest.mark.parametrize(
    ("screen", "started", "installed"),
    [
        ({}, "trayalert serve", []),
        ({"DISPLAY": "", "WAYLAND_DISPLAY": ""}, "trayalert serve", []),
        ({"DISPLAY": ":7"}, "trayalert ", ["libgl1"]),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "trayalert ", ["libgl1"]),
    ],
)
def test_without_a_screen_make_run_installs_nothing_for_one(
    machine: Machine, screen: dict[str, str], started: str, installed: list[str]
) -> None:
    machine.has_libraries("libGL.so.1")
    machine.has("apt-get")
    done = machine.make("run", **screen)

    assert done.returncode == 0
    assert machine.calls("trayalert") == [started]
    assert [call.rpartition(" ")[2] for call in machine.calls("apt-get") if " install " in call][:1] == installed
    assert pip_calls(machine)[-1].endswith(" --editable .")


def test_the_tests_need_no_ssh_server_that_runs(machine: Machine) -> None:
    machine.has("apt-get")
    machine.set_up("test")

    calls = machine.calls("install", "apt-get")
    off = calls.index("install -D /dev/null /etc/ssh/sshd_not_to_be_run")
    assert off < next(place for place, call in enumerate(calls) if "openssh-server" in call)


def test_no_service_is_left_listening_because_of_the_long_proofs(machine: Machine) -> None:
    # systemctl fails, as if the user had a unit file of the same name, which systemctl cannot mask
    machine.has("systemctl", "exit 1")
    machine.has("apt-get")
    machine.set_up("soak")

    calls = machine.calls("systemctl", "apt-get")
    names = ("prometheus-alertmanager", "nginx", "haproxy")
    masked = [f"systemctl --quiet mask {name}.service" for name in names]
    assert calls[: len(names)] == masked
    assert set(names) <= set(calls[len(names)].split())

    machine.set_up("run")
    assert machine.calls("systemctl") == []


def test_old_lists_of_packages_are_fetched_anew_and_it_tries_again(machine: Machine) -> None:
    machine.has_libraries("libGL.so.1")
    machine.has("apt-get", '[[ "$*" == *update* ]]')
    done = machine.set_up("run")

    words = [("update" if " update" in call else "install") for call in machine.calls("apt-get")]
    assert words[-2:] in (["update", "install"], ["install", "update"])
    assert "update" in words
    assert done.returncode == 0


def test_who_is_not_root_installs_by_sudo(machine: Machine) -> None:
    machine.has_libraries("libGL.so.1")
    machine.has("id", "echo 1000")
    machine.has("sudo")
    machine.has("apt-get")
    machine.set_up("run")

    assert any("DEBIAN_FRONTEND=noninteractive apt-get" in call for call in machine.calls("sudo"))
    assert machine.calls("apt-get") == []


@pytest.mark.parametrize("sudo", [None, "exit 1"], ids=["absent", "refuses"])
@pytest.mark.parametrize(("purpose", "status"), [("run", 0), ("test", 1)])
def test_without_sudo_running_goes_on_and_testing_does_not(
    machine: Machine, sudo: str | None, purpose: str, status: int
) -> None:
    machine.has_libraries("libGL.so.1")
    machine.has("id", "echo 1000")
    machine.has("apt-get")
    if sudo is not None:
        machine.has("sudo", sudo)
    done = machine.set_up(purpose)

    assert done.returncode == status
    assert done.stderr.splitlines()[-1].startswith("These packages are still missing; install them by hand with: ")
    assert "libgl1" in done.stderr.splitlines()[-1]


def test_running_brings_a_font_for_chinese_where_the_system_has_none(machine: Machine) -> None:
    machine.has("fc-list", 'case "$*" in *:lang=zh*) ;; *) echo DejaVu Sans ;; esac')
    machine.has("apt-get")
    machine.set_up("run")

    assert machine.calls("apt-get")[-1].endswith(" fonts-noto-cjk")
    machine.set_up("serve")
    assert not machine.calls("apt-get")


def test_elsewhere_it_names_what_is_missing_and_goes_on(machine: Machine) -> None:
    machine.has_libraries("libGL.so.1")
    done = machine.set_up("test")

    assert done.returncode == 0
    message = done.stderr.splitlines()[-1]
    assert message.startswith("Missing here, please install: libGL.so.1 (Debian: libgl1), ")
    assert "Noto Sans CJK SC (Debian: fonts-noto-cjk)" in message


def test_an_unknown_purpose_is_wrong_use(machine: Machine) -> None:
    assert machine.set_up("fly").returncode == 2


def test_the_packages_cover_what_the_desktop_tests_start() -> None:
    assert {*_PACKAGES.values(), "xfce4-notifyd"} <= set(packages("run", "package", "test"))


def test_the_packages_are_those_that_qt_and_its_plugins_ask_for() -> None:
    qt = Path(PySide6.__file__).parent / "Qt"
    own = {path.name for path in (qt / "lib").iterdir()}
    loaded = {
        "qt": [qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus")],
        "xcb": [qt / "lib" / "libQt6XcbQpa.so.6", qt / "plugins" / "platforms" / "libqxcb.so"],
        "wayland": [qt / "lib" / "libQt6WaylandClient.so.6", qt / "plugins" / "platforms" / "libqwayland.so"],
    }
    listed: dict[str, set[str]] = {user: set() for user in loaded}
    for line in read_text("qt_libraries.txt").splitlines():
        if not line.startswith("#"):
            user, library, _ = line.split()
            listed[user].add(library)

    required = {user: needed(paths) - own - NO_PROGRAM_LACKS for user, paths in loaded.items()}
    assert listed == {
        user: libraries - (required["qt"] if user != "qt" else set()) for user, libraries in required.items()
    }


NO_PROGRAM_LACKS = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1"}


def needed(paths: Iterable[Path]) -> set[str]:
    """Return the names of the libraries that these files require from the loader."""
    output = subprocess.run(["objdump", "-p", *paths], capture_output=True, text=True, timeout=60, check=True).stdout
    return {words[1] for line in output.splitlines() if (words := line.split())[:1] == ["NEEDED"]}
