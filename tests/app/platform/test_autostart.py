"""Autostart starts the program as it runs now: entries are read as the specifications say, and one is started."""

import plistlib
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.program import environment, run, wait_for
from trayalert.app.platform.autostart import (
    AutostartFault,
    LaunchAgent,
    LaunchCommand,
    RunKey,
    XdgEntry,
    _escaped,
    _quoted,
    autostart_enabled,
    launch_command,
    set_autostart,
)
from trayalert.app.platform.places import find_places

ODD = 'o d\'d "q" $HOME `x` 50% %f \\b\\ ~*?#&;()<>| 磁盘'


def entry(folder: Path) -> dict[str, str]:
    """Return the keys of the entry, unescaped as the Desktop Entry Specification says."""
    head, *lines = (folder / "trayalert.desktop").read_text(encoding="utf-8").splitlines()
    assert head == "[Desktop Entry]"
    return {name: unescaped(value) for name, _, value in (line.partition("=") for line in lines)}


def unescaped(value: str) -> str:
    characters = iter(value)
    codes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    return "".join(codes[next(characters)] if character == "\\" else character for character in characters)


def arguments(command: str) -> list[str]:
    """Split an unescaped Exec value into arguments. Fail on a field code: each percent sign must be doubled."""
    found, characters, quoted, begun, text = [], iter(command), False, False, ""
    for character in characters:
        if quoted and character == "\\":
            text += next(characters)
        elif character == '"':
            quoted, begun = not quoted, True
        elif character == "%":
            assert next(characters) == "%", "a field code"
            text += "%"
        elif character == " " and not quoted:
            found.append(text)
            text, begun = "", False
        else:
            assert quoted or character not in "\t\n'\\><~|&;$*?#()`", character
            text, begun = text + character, True
    return [*found, text] if text or begun else found


def test_the_parser_of_this_test_tells_a_wrong_line() -> None:
    for wrong in ("a %f", "a b$c", "a~", "a 'b'"):
        with pytest.raises(AssertionError):
            arguments(wrong)


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), max_size=12), min_size=1, max_size=4))
def test_every_argument_comes_out_as_it_went_in(given: list[str]) -> None:
    value = _escaped(" ".join(map(_quoted, given)))

    assert arguments(unescaped(value)) == given


def test_a_desktop_that_reads_it_as_a_shell_does_gets_the_same() -> None:
    command = unescaped(_escaped(" ".join(map(_quoted, [ODD, "", "--minimised", "a=b", "-"])))).replace("%%", "%")
    output = subprocess.run(["sh", "-c", f"printf '%s\n' {command}"], capture_output=True, check=True).stdout
    assert output.decode().splitlines() == [ODD, "", "--minimised", "a=b", "-"]


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for the user's configuration, in which the autostart folder does not exist yet."""
    folder = tmp_path / ODD.replace("/", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(folder))
    return folder


def test_on_and_off_and_on_again(config: Path, tmp_path: Path) -> None:
    places = find_places(str(tmp_path / ODD))
    assert autostart_enabled() is False
    set_autostart(False, places)
    for _ in range(2):
        set_autostart(True, places)
        assert autostart_enabled() is True
        path = config / "autostart" / "trayalert.desktop"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        found = entry(path.parent)
        assert arguments(found["Exec"])[-3:] == ["--minimised", "--data-dir", str(places.data_dir)]
        assert found["TryExec"] == arguments(found["Exec"])[0] == sys.executable
        assert {"Type", "Name", "Icon", "Terminal"} <= found.keys()
        set_autostart(False, places)
        assert autostart_enabled() is False


@pytest.mark.parametrize("line", ["Hidden=true", "X-GNOME-Autostart-enabled=false", "Hidden = true "])
def test_what_the_desktop_has_switched_off_is_off(config: Path, line: str) -> None:
    set_autostart(True, find_places(None))
    path = config / "autostart" / "trayalert.desktop"
    kept = path.read_text().replace("X-GNOME-Autostart-enabled=true\n", "")
    path.write_text(kept)
    assert autostart_enabled() is True
    path.write_text(f"{kept}{line}\n")
    assert autostart_enabled() is False
    set_autostart(True, find_places(None))
    assert autostart_enabled() is True


def test_a_data_dir_that_nobody_named_is_not_passed_on(config: Path) -> None:
    assert "--data-dir" not in launch_command(find_places(None)).arguments


def test_the_frozen_program_starts_itself(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert launch_command(find_places(None), argv=["x"]) == LaunchCommand((sys.executable, "--minimised"))


def test_what_cannot_stand_in_an_entry_or_be_written_is_a_sentence(config: Path, tmp_path: Path) -> None:
    with pytest.raises(AutostartFault, match="strange letter"):
        set_autostart(True, find_places(str(tmp_path / "a\nb")))
    config.write_text("a file where the folder should be")
    with pytest.raises(AutostartFault, match=r"the autostart cannot be changed: .*\."):
        set_autostart(True, find_places(None))


INSTALLED = """#!{python}
import os, sys
sys.path.insert(0, {root!r})
from trayalert.app.platform.autostart import set_autostart
from trayalert.app.platform.places import find_places
if "--minimised" in sys.argv:
    told = {told!r}
    open(told + ".part", "w").write(repr(sys.argv[1:]))
    os.rename(told + ".part", told)
else:
    set_autostart(True, find_places(sys.argv[1]))
"""


def test_the_installed_command_is_started_as_it_is(config: Path, tmp_path: Path) -> None:
    program = tmp_path / "bin (x) $" / "trayalert"
    program.parent.mkdir()
    report = tmp_path / "told"
    root = str(Path(__file__).parents[3])
    program.write_text(INSTALLED.format(python=sys.executable, root=root, told=str(report)))
    program.chmod(0o755)
    subprocess.run(["./trayalert", tmp_path / ODD], cwd=program.parent, check=True)

    found = entry(config / "autostart")
    assert (found["TryExec"], "Path" in found) == (str(program), False)
    with subprocess.Popen(arguments(found["Exec"]), cwd="/", env={"PATH": "/usr/bin:/bin"}) as process:
        wait_for(report.exists)
        assert process.wait() == 0
    assert report.read_text() == repr(["--minimised", "--data-dir", str(tmp_path / ODD)])


def test_the_module_is_started_from_anywhere(tmp_path: Path) -> None:
    """The error about the missing screen shows that the entry's command line starts the tray application."""
    done = run("autostart", "on", "--json", data_dir=tmp_path / "my data", XDG_CONFIG_HOME=str(tmp_path))
    assert (done.status, done.objects) == (0, [{"autostart": True}])
    found = entry(tmp_path / "autostart")
    none = environment(QT_QPA_PLATFORM=None, DISPLAY=None, WAYLAND_DISPLAY=None)
    started = subprocess.run(
        arguments(found["Exec"]), cwd=found["Path"], env=none, capture_output=True, text=True, check=False
    )
    assert (started.returncode, started.stdout) == (2, "")
    assert "To receive without a screen, run: trayalert serve" in started.stderr


def test_the_command_says_and_changes_it(tmp_path: Path) -> None:
    def output_of(*wanted: str) -> str:
        done = run("autostart", *wanted, data_dir=tmp_path, XDG_CONFIG_HOME=str(tmp_path))
        assert (done.status, done.err) == (0, "")
        return done.out

    assert output_of() == output_of("off") == "trayalert does not start with the session\n"
    assert output_of("on") == output_of() == "trayalert starts with the session\n"
    assert output_of("off") == "trayalert does not start with the session\n"
    assert run("autostart", "maybe", data_dir=tmp_path).status == 2
    (tmp_path / "file").touch()
    failed = run("autostart", "on", data_dir=tmp_path, XDG_CONFIG_HOME=str(tmp_path / "file"))
    assert failed.status == 1
    assert failed.err.startswith("trayalert: the autostart cannot be changed")


@pytest.mark.parametrize("option", ["--minimised", "--minimized"])
def test_minimised_belongs_to_the_tray_alone(option: str, tmp_path: Path) -> None:
    assert "--minimised belongs to `trayalert` itself" in run(option, "status", data_dir=tmp_path).err
    none: dict[str, Any] = {"QT_QPA_PLATFORM": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}
    assert "To receive without a screen" in run(option, data_dir=tmp_path, **none).err
    shown = run("--help").out
    assert ("--minimised" in shown, "--minimized" in shown) == (True, False)


def test_the_desktops_own_checker_finds_nothing(config: Path, tmp_path: Path) -> None:
    set_autostart(True, find_places(str(tmp_path / ODD)))
    subprocess.run(["desktop-file-validate", config / "autostart" / "trayalert.desktop"], check=True)


# the other platforms
class Registry(dict[tuple[str, str], Any]):
    """Values by key and name, as the Windows registry stores them."""

    def read(self, key: str, name: str) -> Any:
        return self.get((key, name))

    def write(self, key: str, name: str, value: str) -> None:
        self[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self.pop((key, name), None)


def test_windows_run_key_and_its_task_manager() -> None:
    registry = Registry()
    mechanism = RunKey(registry)
    mechanism.turn_off()
    assert not mechanism.is_on()
    mechanism.turn_on(
        LaunchCommand((r"C:\Program Files\trayalert\trayalert.exe", "--minimised", "--data-dir", "D:\\a b\\"))
    )
    run_key = r"Software\Microsoft\Windows\CurrentVersion\Run"
    approved = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
    command = r'"C:\Program Files\trayalert\trayalert.exe" --minimised --data-dir "D:\a b\\"'
    assert registry == {(run_key, "trayalert"): command}
    registry[approved, "trayalert"] = b"\x02" + bytes(11)
    assert mechanism.is_on()
    registry[approved, "trayalert"] = b"\x03" + bytes(11)
    assert not mechanism.is_on()
    mechanism.turn_on(LaunchCommand(("x",)))
    assert mechanism.is_on()
    mechanism.turn_off()
    assert registry == {}


def test_a_launch_agent_of_macos(tmp_path: Path) -> None:
    folder = tmp_path / "LaunchAgents"
    mechanism = LaunchAgent(folder)
    mechanism.turn_off()
    assert not mechanism.is_on()
    mechanism.turn_on(LaunchCommand(("/Applications/a b/trayalert", "--minimised"), Path("/x & y")))
    path = folder / "trayalert.plist"
    found = plistlib.loads(path.read_bytes())
    assert (found["ProgramArguments"], found["RunAtLoad"]) == (["/Applications/a b/trayalert", "--minimised"], True)
    assert found["WorkingDirectory"] == "/x & y"
    assert mechanism.is_on()
    for other in (plistlib.dumps({**found, "Disabled": True}), b"<plist>", b"", plistlib.dumps([])):
        path.write_bytes(other)
        assert not mechanism.is_on()
    mechanism.turn_off()
    assert not path.exists()


def test_an_entry_that_is_no_text_is_off(tmp_path: Path) -> None:
    (tmp_path / "trayalert.desktop").write_bytes(b"\xff\x00[")
    assert not XdgEntry(tmp_path).is_on()
