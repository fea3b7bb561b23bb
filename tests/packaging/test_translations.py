"""The catalogues of translations: complete, in step with the code, and compiled wherever the program is built."""

import gettext
import importlib
import os
import re
import shutil
import string
import subprocess
import sys
import tarfile
import types
import zipfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po

ROOT = Path(__file__).parent.parent.parent
CATALOGUES = sorted(ROOT.glob("resources/translations/*/LC_MESSAGES/trayalert.po"))
NAMES = [path.parent.parent.name for path in CATALOGUES]


@pytest.fixture(scope="module")
def updating() -> Iterator[types.ModuleType]:
    """The module `packaging/update_translations.py`."""
    sys.path.insert(0, str(ROOT / "packaging"))
    yield importlib.import_module("update_translations")
    sys.path.remove(str(ROOT / "packaging"))


def read(path: Path) -> Catalog:
    return read_po(BytesIO(path.read_bytes()), abort_invalid=True)


def texts_of(message: Message) -> tuple[list[str], list[str]]:
    """Return the English texts and the translations of a message."""
    english, translated = message.id, message.string
    return (
        list(english) if isinstance(english, list | tuple) else [str(english)],
        [text or "" for text in translated] if isinstance(translated, list | tuple) else [translated or ""],
    )


def fields(text: str) -> list[tuple[str, str, str]]:
    """Return the fields of a template with their formats, such as `{path}`, `{count:,}`, `{name!r}` or `%(prog)s`."""
    try:
        braces = [(name, spec or "", form or "") for _, name, spec, form in string.Formatter().parse(text) if name]
    except ValueError:  # braces that are no fields, in a text without values
        braces = []
    return sorted(braces + [(name, "%", "") for name in re.findall(r"%\((\w+)\)s", text)])


def wrong(message: Message) -> list[str]:
    """Return what is wrong with a translation."""
    english, translated = texts_of(message)
    found = []
    for text in translated:
        if not text or message.fuzzy:
            found.append("missing or fuzzy")
        if fields(text) != fields(english[-1]):
            found.append("other fields")
        if ("&" in english[0]) != ("(&" in text) and re.search(r"&\w", english[0]):
            found.append("no mnemonic")
        if text != text.strip() and english[0] == english[0].strip():
            found.append("spaces at an end")
        if text.count("\n") != english[-1].count("\n"):
            found.append("other line breaks")
        if re.search("[。，：；！？] ", text):
            found.append("a space after Chinese punctuation")
    return found


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_the_catalogue_holds_every_message_of_the_code_and_no_other(path: Path, updating: types.ModuleType) -> None:
    catalogue, fresh = read(path), updating.fresh_catalogue(ROOT)
    known, wanted = ({message.id for message in each if message.id} for each in (catalogue, fresh))
    assert len(wanted) > 500

    assert (sorted(map(str, wanted - known)), sorted(map(str, known - wanted)), list(catalogue.obsolete)) == (
        [],
        [],
        [],
    )


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_every_message_is_translated_with_the_same_fields(path: Path) -> None:
    assert {str(message.id): wrong(message) for message in read(path) if message.id and wrong(message)} == {}


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (Message("Copy", ""), "missing or fuzzy"),
        (Message("Copy", "复制", flags={"fuzzy"}), "missing or fuzzy"),
        (Message("the log {path} is full", "日志 {file} 已满"), "other fields"),
        (Message("the log {path} is full", "日志已满"), "other fields"),
        (Message(("{count:,} alert", "{count:,} alerts"), ("{count} 个报警",)), "other fields"),
        (Message("%(prog)s, version %(version)s", "%(prog)s"), "other fields"),
        (Message("&Back", "返回"), "no mnemonic"),
        (Message("Copy", "复制 "), "spaces at an end"),
        (Message("one\ntwo", "一二"), "other line breaks"),
        (Message("one, two", "一， 二"), "a space after Chinese punctuation"),
    ],
)
def test_the_check_of_translations_finds_each_fault(message: Message, fault: str) -> None:
    assert fault in wrong(message)


def test_good_translations_pass() -> None:
    assert wrong(Message(("1 alert", "{count:,} alerts"), ("{count:,} 个报警",))) == []
    assert wrong(Message("&Back", "返回(&B)")) == []


@pytest.mark.parametrize("path", CATALOGUES, ids=NAMES)
def test_make_translations_would_change_nothing(path: Path, tmp_path: Path, updating: types.ModuleType) -> None:
    copy = tmp_path / path.name
    shutil.copy(path, copy)

    assert updating.update(copy, updating.fresh_catalogue(ROOT)) == []
    assert copy.read_text(encoding="utf-8") == path.read_text(encoding="utf-8")


def test_new_messages_are_added_changed_ones_are_fuzzy_and_old_ones_go(
    tmp_path: Path, updating: types.ModuleType
) -> None:
    po = tmp_path / "trayalert.po"
    po.write_text(
        '# Glossary\nmsgid ""\nmsgstr ""\n"Plural-Forms: nplurals=1; plural=0;\\n"\n\n'
        'msgid "The log is nearly full."\nmsgstr "日志将满。"\n\nmsgid "Gone"\nmsgstr "消失"\n',
        encoding="utf-8",
    )
    fresh = Catalog()
    fresh.add("The log is now full.")
    fresh.add(("1 alert", "{count} alerts"))

    lacking = updating.update(po, fresh)

    assert {message.id for message in lacking} == {("1 alert", "{count} alerts"), "The log is now full."}
    text = po.read_text(encoding="utf-8")
    assert text.startswith('# Glossary\nmsgid ""')
    assert "#, fuzzy" in text
    assert "日志将满。" in text
    assert "Gone" not in text


def test_texts_are_found_in_every_form_of_call(updating: types.ModuleType) -> None:
    source = (
        "N_('a'); Phrase('b {x}', x=1); language.say('c' 'd'); say('e', y=N_('f')); says('g', 'h', 2)\n"
        "Phrase.counted('i', 'j', n); print(f'{say(\"k\")}'); say(word); other('l'); Phrase('')\n"
    )

    found = list(updating.marked_texts(updating.ast.parse(source), updating.KEYWORDS))
    assert found == ["a", "b {x}", "cd", "e", "f", ("g", "h"), ("i", "j"), "k"]


def compiled(content: bytes) -> str:
    return gettext.GNUTranslations(BytesIO(content)).gettext("A new message")


def test_wheel_and_source_distribution_compile_a_changed_catalogue(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("trayalert", "resources", "packaging"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, project)
    po = project / CATALOGUES[0].relative_to(ROOT)
    stale = po.with_suffix(".mo")
    assert stale.exists()
    with po.open("a", encoding="utf-8") as stream:
        stream.write('\nmsgid "A new message"\nmsgstr "新消息"\n')
    os.utime(po, (stale.stat().st_mtime + 2,) * 2)

    def build(folder: Path, target: str) -> Path:
        subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", target], cwd=folder, check=True, timeout=60)
        (built,) = (folder / "dist").glob("*.whl" if target == "wheel" else "*.tar.gz")
        return built

    name = stale.relative_to(project / "resources").as_posix()
    with tarfile.open(build(project, "sdist")) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert compiled((unpacked / "resources" / name).read_bytes()) == "新消息"
    for folder in (project, unpacked):
        with zipfile.ZipFile(build(folder, "wheel")) as wheel:
            assert compiled(wheel.read(f"trayalert/_resources/{name}")) == "新消息"
            assert not [each for each in wheel.namelist() if each.endswith(".po")]
