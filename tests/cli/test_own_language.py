"""The language of the command line: what chooses it, and what stays as it is in every language."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.app.doctor_samples import BARE
from tests.desktop.harness.desktop_programs import wait_until
from tests.program import ServeProcess, post, run, serving
from tests.storage.making import HOUR, NOON, append, store
from trayalert.cli import main
from trayalert.cli.language import own_language
from trayalert.cli.language.own_language import choose_language, restore_environment
from trayalert.cli.language.translated_help import wrapped
from trayalert.domain.gap import GapCause
from trayalert.domain.phrase import Catalogue
from trayalert.domain.text import display_width
from trayalert.domain.wording.language import Language, use_catalogues
from trayalert.storage.writer.gap_records import AddGap
from trayalert.translations import read_catalogue

BROKEN = 'language = "zh'
ENGLISH: dict[str, Any] = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": "C.UTF-8", "LANGUAGE": None}
CHINESE = {**ENGLISH, "LC_MESSAGES": "zh_CN.UTF-8"}
NO_PLACE = "~nobody-has-this-name/data"


@pytest.fixture
def own_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a test choose the language of this process. After the test, the process has its own language again."""
    for name in (*ENGLISH, "TRAYALERT_DATA_DIR"):
        monkeypatch.setenv(name, "")
    yield
    monkeypatch.undo()
    choose_language([])
    restore_environment()


def set_language(data_dir: Path, language: str) -> None:
    (data_dir / "settings.toml").write_text(f'language = "{language}"\n')


def language_of(*arguments: str | Path, **changes: str | None) -> str:
    """Run `alerts` with these arguments. Return the language in which the command writes the state of an alert."""
    done = run(*arguments, **{**ENGLISH, **changes})
    assert done.status == 0, done.err
    return {(True, False): "en", (False, True): "zh"}["ALERT" in done.out, "报警" in done.out]


# ---- what chooses the language


def test_the_setting_decides_wherever_the_data_dir_is_named(data_dir: Path) -> None:
    set_language(data_dir, "zh")

    assert language_of("--data-dir", data_dir, "alerts") == "zh"
    assert language_of(f"--data-dir={data_dir}", "alerts") == "zh"
    assert language_of("alerts", "--data-dir", data_dir) == "zh"
    assert language_of("alerts", f"--data-dir={data_dir}") == "zh"
    assert language_of("alerts", TRAYALERT_DATA_DIR=str(data_dir)) == "zh"


def test_the_last_data_dir_counts_as_it_does_for_the_log(data_dir: Path, tmp_path: Path) -> None:
    english = tmp_path / "english"
    english.mkdir()
    store(english / "trayalert.db", append("i-1"))
    set_language(english, "en")
    set_language(data_dir, "zh")

    assert language_of("--data-dir", english, "alerts", "--data-dir", data_dir) == "zh"
    assert language_of("--data-dir", data_dir, "alerts", f"--data-dir={english}") == "en"
    assert language_of("alerts", "--data-dir", english, TRAYALERT_DATA_DIR=str(data_dir)) == "en"


def test_without_a_setting_the_environment_decides(data_dir: Path) -> None:
    command = "alerts", "--data-dir", data_dir

    assert language_of(*command) == "en"
    assert language_of(*command, LANG="zh_CN.UTF-8") == "zh"
    assert language_of(*command, LANG="zh_CN.UTF-8", LC_MESSAGES="en_GB.UTF-8") == "en"
    assert language_of(*command, LANG="en_GB.UTF-8", LC_ALL="zh_TW.UTF-8") == "zh"
    set_language(data_dir, "en")
    assert language_of(*command, LANG="zh_CN.UTF-8") == "en"
    set_language(data_dir, "auto")
    assert language_of(*command, LANG="zh_CN.UTF-8") == "zh"


def test_settings_that_are_broken_leave_it_to_the_environment(data_dir: Path) -> None:
    (data_dir / "settings.toml").write_text(BROKEN)
    command = "alerts", "--data-dir", data_dir

    assert language_of(*command) == "en"
    assert language_of(*command, LANG="zh_CN.UTF-8") == "zh"
    done = run(*command)
    assert done.err.startswith(f"trayalert: {data_dir / 'settings.toml'}: ")
    assert done.err.count("\n") == 1


@pytest.mark.usefixtures("own_process")
def test_a_data_dir_that_cannot_be_found_leaves_it_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    choose_language(["status", "--data-dir", NO_PLACE])

    assert own_language.own_language() is Language.ZH


@pytest.mark.parametrize("arguments", [["--data-dir"], ["--data-dir="], ["--data-dir", ""], []])
@pytest.mark.usefixtures("own_process")
def test_an_option_without_a_value_leaves_it_to_the_data_dir_of_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, arguments: list[str]
) -> None:
    set_language(tmp_path, "zh")
    monkeypatch.setenv("TRAYALERT_DATA_DIR", str(tmp_path))
    choose_language(["status", *arguments])

    assert own_language.own_language() is Language.ZH


def test_a_terminal_without_chinese_characters_gets_their_codes(data_dir: Path) -> None:
    set_language(data_dir, "zh")
    done = run("alerts", data_dir=data_dir, PYTHONIOENCODING="latin-1")

    assert (done.status, done.err) == (0, "")
    assert r"\u544a\u8b66" in done.out
    assert run("--data-dir", data_dir, "--help", PYTHONIOENCODING="latin-1").status == 0


@pytest.mark.usefixtures("own_process")
def test_a_command_without_help_does_not_read_the_catalogue(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    languages: list[str] = []

    def read(language: str) -> Catalogue:
        languages.append(language)
        return read_catalogue(language)

    use_catalogues(read)
    try:
        assert CliRunner().invoke(main, ["--data-dir", str(data_dir), "url"]).exit_code == 0
        assert languages == []
        assert "列出" in CliRunner().invoke(main, ["--data-dir", str(data_dir), "gaps", "--help"]).output
        assert languages == ["zh"]
    finally:
        use_catalogues(read_catalogue)


# ---- the environment of other programs


@pytest.mark.parametrize("former", [None, "de:fr"])
def test_a_tunnel_gets_the_variable_that_trayalert_got(tmp_path: Path, former: str | None) -> None:
    script = 'echo "${LANGUAGE-unset}" >language.part; mv language.part language; exec sleep 100'
    command = json.dumps(["sh", "-c", f"cd {tmp_path} && {script}"])
    tunnel = f'public_url = "https://alerts.example.com"\n[tunnel]\nkind = "command"\ncommand = {command}\n'
    (tmp_path / "settings.toml").write_text(f'language = "zh"\nprobe_seconds = 0\n{tunnel}')

    with serving(tmp_path, **{**ENGLISH, "LANGUAGE": former}):
        wait_until((tmp_path / "language").exists, "the tunnel", within=20)

    assert (tmp_path / "language").read_text() == f"{former or 'unset'}\n"


# ---- help

HELP = (
    "重新读取所有已保存的回调（使用当前的解析器）。新版本的 trayalert 可能认得更多的回调；这样，“无法识别”的回调会变成"
    "告警，其他告警的字段会更新。运行 `trayalert serve --data-dir DIR`（或 --port 8765），即可在没有托盘的情况下接收："
    "不显示通知！可以随时停止吗？可以：下次运行会从《上次》停止的地方继续 (另见 trayalert-help)。"
)


@pytest.mark.parametrize("width", range(20, 81, 3))
def test_chinese_help_is_broken_by_its_width(width: int) -> None:
    lines = wrapped(HELP, width)

    assert max(map(display_width, lines)) <= width
    assert "".join(lines).replace(" ", "") == HELP.replace(" ", "")
    assert not [line for line in lines if line[0] in "，。；：、！？）》”)." or line[-1] in "（《“("]
    for word in re.findall(r"[A-Za-z0-9-]+", HELP):
        assert sum(line.count(word) for line in lines) == HELP.count(word)
    assert all(display_width(line) > width - 10 - len("--data-dir") for line in lines[:-1])


@pytest.mark.parametrize("command", [[], ["restore"], ["secrets", "add"], ["export"]])
def test_no_line_of_help_is_wider_than_the_terminal(command: list[str]) -> None:
    done = run(*command, "--help", **{**CHINESE, "COLUMNS": "64"})

    assert (done.status, done.err) == (0, "")
    assert max(map(display_width, done.lines)) <= 64


def test_english_help_is_broken_at_spaces() -> None:
    assert wrapped("Print JSON for scripts, and a-very-long-word.", 12) == [
        "Print JSON",
        "for scripts,",
        "and",
        "a-very-long-word.",
    ]
    assert wrapped("", 12) == []


# ---- what stays as it is

SETTINGS = 'port = "x"\nhots = 1\n[[expected]]\nname = "backup"\nhours = 25\nrule = "CPU"\n'
"""Settings with mistakes, whose problems are sentences in JSON."""


def outputs(*arguments: str, data_dir: Path, **more: Any) -> list[str]:
    """Return the masked output of a command in English and in Chinese."""
    found = []
    for language in ("en", "zh"):
        (data_dir / "settings.toml").write_text(f'language = "{language}"\n{SETTINGS}')
        found.append(masked(run(*arguments, data_dir=data_dir, **more).out))
    return found


def masked(text: str) -> str:
    """Return JSON without what may differ: numbers, because times change, and the name that a table gives a metric."""
    return re.sub(r"\d+", "0", re.sub('"metric_title": "[^"]*"', "", text))


@pytest.mark.parametrize("command", ["status", "alerts", "incidents", "gaps", "expected", "secrets", "check"])
def test_json_is_the_same_in_every_language(data_dir: Path, command: str) -> None:
    gap = AddGap(cause=GapCause.BLIND, began_at=NOON, ended_at=NOON + HOUR, why="the tunnel is down")
    store(data_dir / "trayalert.db", gap, append("i-3", metricName="unheard-of"))
    english, chinese = outputs(command, "--json", data_dir=data_dir)

    assert english
    assert english == chinese


def test_the_doctors_json_is_the_same_in_every_language(data_dir: Path) -> None:
    english, chinese = outputs("doctor", "--json", data_dir=data_dir, **BARE)

    assert '"checks"' in english
    assert english == chinese


def test_json_of_a_log_that_cannot_be_read_is_the_same_in_every_language(data_dir: Path) -> None:
    (data_dir / "trayalert.db").write_bytes(b"no database" * 1000)
    english, chinese = outputs("status", "--json", data_dir=data_dir)

    assert "log_problems" in english
    assert english == chinese


def test_json_of_a_running_instance_is_the_same_in_every_language(serve: ServeProcess) -> None:
    assert post(serve.url, b"nobody=knows") == 200
    for command in ("status", "gaps", "expected", "secrets"):
        english, chinese = (masked(serve.run(command, "--json", **language).out) for language in (ENGLISH, CHINESE))
        assert english == chinese, command


def test_names_of_topics_and_errors_begin_as_in_english(data_dir: Path) -> None:
    set_language(data_dir, "zh")

    assert run("help", TRAYALERT_DATA_DIR=str(data_dir)).lines[0].split()[0] == "start"
    done = run("resolve", "99", data_dir=data_dir)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("trayalert: ")
