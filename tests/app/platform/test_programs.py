"""The user's own commands: real processes with real arguments, and a sentence if the program does not exist."""

import sys
from pathlib import Path

import psutil
import pytest

from tests.program import wait_for
from trayalert.app.platform.programs import run_command, start
from trayalert.domain.settings.custom_command import FilledCommand

REPORT = "import os, sys; open(sys.argv[1] + '.part', 'w').write(repr((sys.argv[2:], os.getsid(0) == os.getpid())));"
REPORT += "os.rename(sys.argv[1] + '.part', sys.argv[1])"


def report_in(path: Path) -> str:
    wait_for(path.exists)
    return path.read_text()


def test_a_program_gets_the_arguments_as_they_are_in_a_session_of_its_own(tmp_path: Path) -> None:
    arguments = ("a b", "$(reboot)", "; x", "'\"", "*", "root@10.0.0.14", "")
    problem = run_command(FilledCommand("Tell", (sys.executable, "-c", REPORT, str(tmp_path / "told"), *arguments)))

    assert problem is None
    assert report_in(tmp_path / "told") == repr((list(arguments), True))


def test_a_program_is_looked_up_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "teller"
    program.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/part; mv {tmp_path}/part {tmp_path}/told\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    assert run_command(FilledCommand("Tell", ("teller", "i-1"))) is None
    assert report_in(tmp_path / "told") == "i-1\n"


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text("#!/nowhere/at/all\n")
    broken.chmod(0o755)

    assert run_command(FilledCommand("SSH", ("no-such-program",))) == (
        "SSH was not started: there is no program no-such-program."
    )
    assert run_command(FilledCommand("SSH", (str(broken),))) == "SSH was not started: No such file or directory."
    assert (
        run_command(FilledCommand("SSH", problem="no address is known")) == "SSH was not started: no address is known."
    )


def test_programs_that_ended_are_not_kept(tmp_path: Path) -> None:
    own = psutil.Process()
    ended: set[psutil.Process] = set()
    for number in range(3):
        before = set(own.children())
        start([sys.executable, "-c", REPORT, str(tmp_path / str(number))])
        (program,) = set(own.children()) - before
        wait_for(lambda: program.status() == psutil.STATUS_ZOMBIE)  # noqa: B023 - called before `program` changes
        ended.add(program)
    before = set(own.children()) - ended
    start([sys.executable, "-c", REPORT, str(tmp_path / "last")])

    remaining = set(own.children())
    assert ended & remaining == set()
    report_in(tmp_path / "last")
    for last in remaining - before:
        last.wait(10)
