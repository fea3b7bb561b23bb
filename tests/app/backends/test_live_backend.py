"""The backend of the running program, with a real log."""

import sqlite3
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.program import wait_for
from tests.storage.making import append, store
from trayalert.app.backends.live_backend import live_backend
from trayalert.app.backends.log_view import LogView
from trayalert.app.control.control_replies import REPLIES
from trayalert.app.diagnostics.crashes import CrashFiles
from trayalert.app.platform.places import find_places
from trayalert.app.receiver import Plan, Receiver
from trayalert.clock import now
from trayalert.domain.incident.level import Level
from trayalert.domain.settings.custom_command import CustomCommand
from trayalert.domain.settings.settings import Settings
from trayalert.domain.wording.language import Language
from trayalert.services.access.secret_guesses import RECENT_SPAN
from trayalert.services.access.secrets import Secrets
from trayalert.ui.backend import Backend


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return a log with one open incident."""
    path = tmp_path / "trayalert.db"
    store(path, append("i-1", triggerLevel="CRITICAL"))
    return path


@pytest.fixture
async def receiver(log: Path) -> AsyncIterator[Receiver]:
    places = find_places(str(log.parent))
    settings = replace(
        Settings(),
        port=0,
        console_links={"acs_ecs": "https://ecs.console.aliyun.com/mine/{id}"},
        commands=(CustomCommand("Show", ("no-such-program", "{id}")), CustomCommand("SSH", ("ssh", "{address}"))),
    )
    plan = Plan(places=places, settings=settings, problems=(), secrets=Secrets(places.secrets), mode="tray")
    receiver = Receiver(plan, announce=lambda _: None, replies=REPLIES)
    yield receiver
    receiver.end()
    await receiver.run()


@pytest.fixture
def backend(log: Path, receiver: Receiver) -> Iterator[Backend]:
    view, crashes = LogView(log, verify=receiver.verify), CrashFiles(receiver.plan.places.crashes, str)
    yield live_backend(
        receiver.plan, receiver, view, crashes, notifier_problem=lambda: None, pause=lambda _: None, quit_=lambda: None
    )
    view.close()


def change(log: Path, sql: str) -> None:
    """Change the log as another program or a faulty disk could, without trayalert's writer."""
    with closing(sqlite3.connect(log, isolation_level=None)) as other:
        other.execute(sql)


async def test_the_persons_own_pages_and_commands_are_those_of_the_settings(backend: Backend) -> None:
    (one,) = backend.incidents.open() or ()
    assert backend.incidents.console_links(one)[0].url == "https://ecs.console.aliyun.com/mine/i-1"

    show, ssh = backend.incidents.commands(one)
    assert show.arguments == ("no-such-program", "i-1")
    assert backend.actions.run_command(show) == "Show was not started: there is no program no-such-program."
    assert (ssh.arguments, ssh.problem) == ((), "no address is known")


async def test_what_was_open_stays_open_while_the_log_cannot_be_read(log: Path, backend: Backend) -> None:
    assert (backend.program.state().worst, backend.program.state().problems) == (Level.CRITICAL, ())

    change(log, "ALTER TABLE incident RENAME TO gone")
    backend.incidents.by_ids([1])
    broken = backend.program.state()

    assert (broken.open_incidents, broken.worst) == (1, Level.CRITICAL)
    (sentence,) = broken.problems
    assert sentence.startswith(f"the log {log} cannot be read")

    change(log, "ALTER TABLE gone RENAME TO incident")
    backend.incidents.by_ids([1])

    assert (backend.program.state().open_incidents, backend.program.state().problems) == (1, ())


async def test_what_cannot_be_read_is_unknown_and_neither_gone_nor_calm(log: Path, backend: Backend) -> None:
    change(log, "ALTER TABLE incident RENAME TO gone")

    assert (backend.incidents.by_ids([1]), backend.incidents.open()) == (None, None)
    assert (backend.program.state().uncertainty, backend.program.state().log_unreadable) == (
        "the log cannot be read",
        True,
    )

    change(log, "ALTER TABLE gone RENAME TO incident")
    assert backend.program.state().uncertainty is None


async def test_an_alert_that_was_refused_is_trouble_and_lost_for_an_hour(receiver: Receiver, backend: Backend) -> None:
    assert not backend.program.state().refused_recently

    counts = receiver.listener.counts
    counts.turned_away, counts.last_turned_away_why = 1, "its body is larger than 1 MiB"
    counts.last_turned_away_at = counts.lost_at = now()
    refused = backend.program.state()
    assert refused.refused_recently
    assert "its body is larger than 1 MiB" in refused.problems[0]

    counts.lost_at = counts.last_turned_away_at = now() - RECENT_SPAN - 1
    assert (backend.program.state().refused_recently, backend.program.state().problems) == (False, ())


async def test_crashes_are_news_until_they_are_dismissed(log: Path, backend: Backend) -> None:
    folder = log.parent / "crashes"
    folder.mkdir()
    (folder / "crash-20261123T031200Z.txt").write_text("what happened")

    (sentence,) = backend.program.state().news
    assert sentence.startswith("trayalert crashed at ")
    assert f"what happened is in {folder / 'crash-20261123T031200Z.txt'}." in sentence

    backend.actions.dismiss_news()
    assert backend.program.state().news == ()
    assert [path.name for path in folder.iterdir()] == ["crash-20261123T031200Z.seen.txt"]


async def test_a_chosen_language_is_written_and_spoken_at_once(receiver: Receiver, backend: Backend) -> None:
    settings = receiver.plan.places.settings
    settings.write_text("# mine\nport = 1\n")
    assert backend.program.language_choice == "auto"
    for choice, language in (("zh", Language.ZH), ("en", Language.EN)):
        assert backend.actions.choose_language(choice) is None
        assert settings.read_text() == f'# mine\nport = 1\nlanguage = "{choice}"\n'
        assert backend.program.language_choice == choice
        assert backend.program.language is receiver.language is language


async def test_a_language_that_cannot_be_written_is_not_taken(receiver: Receiver, backend: Backend) -> None:
    receiver.plan.places.settings.write_text("port = \n")
    before = backend.program.language

    problem = backend.actions.choose_language("zh" if before is Language.EN else "en")

    assert problem is not None
    assert "is not TOML, and is left as it is." in problem
    assert (backend.program.language, receiver.language, backend.program.language_choice) == (before, before, "auto")
    assert receiver.plan.places.settings.read_text() == "port = \n"


async def test_a_log_that_another_program_locks_does_not_stop_the_window(log: Path) -> None:
    copy = log.with_name("copy.db")
    with closing(sqlite3.connect(log)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)
    with closing(sqlite3.connect(copy, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        view = LogView(copy, verify=lambda: None)
        begun = time.monotonic()
        for _ in range(100):
            assert view.ask("levels", lambda reader: reader.open_levels()) is None
        assert time.monotonic() - begun < 0.5
        (sentence,) = view.problems
        assert str(copy) in sentence
        other.execute("COMMIT")
    wait_for(lambda: view.ask("levels", lambda reader: reader.open_levels()) is not None, deadline=5)
    assert view.problems == ()
    view.close()


def test_a_fault_of_our_own_is_trouble_and_no_calm(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    view = LogView(log, verify=lambda: None)

    assert view.ask("levels", lambda reader: 1 // (reader.totals().alerts - 1)) is None
    assert "send its makers" in view.problems[0]
    caplog.clear()

    assert view.ask("levels", lambda reader: reader.open_levels()) == {Level.CRITICAL: 1}
    assert not view.problems
    view.close()
