"""Checks the structure of the code: package sizes, names, the words of prose, and what CONTRIBUTING.md says."""

import ast
import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PRODUCT = sorted((ROOT / "trayalert").rglob("*.py"))
MODULES = [path for path in PRODUCT if not path.stem.startswith("__")]
CODE = [*PRODUCT, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "packaging").rglob("*.py"))]
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")

MOST_MODULES = 16
"""The largest number of modules that a package may contain, without the modules of its subpackages."""
TINY, MOST_TINY = 40, 25
"""At most MOST_TINY modules may have fewer than TINY lines."""

INSTEAD_OF = {
    "told tell tells telling": "reported, notify, report, text",
    "hear hears heard hearing": "on_..., received",
    "say says saying said speak speaks speaking spoken": "respond, report, message",
    "become becomes became": "set_state",
    "burn burns burning": "firing",
    "wish wishes wished": "request, command",
    "front fronts": "mode, main_ui",
    "door doors doorway knock knocks": "listener, endpoint, request head",
    "entrance crowd guest guests": "acceptor, connection limit, connection",
    "expel hurry engage disengage": "abort, reschedule, mark_busy, mark_idle",
    "visit visits visitor greet greeted breath": "access log entry, connection, pause",
    "letter letters": "request, payload",
    "desk desks": "backend",
    "way ways": "ingress, mode, means",
    "guide guides": "setup assistant",
    "notice notices": "notification",
    "strip strips": "overlay",
    "ranked": "sorted",
    "keeping holding gapkeeping timekeeping": "scheduler, log file, downtime, clock watch",
    "bulletin worry worries ballast rescue rescues": "log status, warning, reserve file, unlinked file",
    "troubled rival rivals probing": "startup error, other, secret guesses",
    "farewell farewells mercy death deaf calm glance": "final, kill timeout, ignores signals, settled, poll",
    "asked asking": "requested, query",
    "manager helper helpers util utils info": "what it does",
}
"""Words that are banned in identifiers, with the words to use instead.

The banned words are metaphors, words that had two meanings in this code, and words without a meaning of their own.
"""

BANNED = {word for words in INSTEAD_OF for word in words.split()}

BANNED_IN_PROSE = {
    "told", "burn", "burns", "burning", "hear", "hears", "heard", "wish", "wishes", "door", "doors", "doorway", "knock",
    "knocks", "crowd", "guest", "guests", "shout", "shouts", "shouted", "nobody", "moment", "moments", "anew",
    "likewise", "trouble", "troubled",
}  # fmt: skip
"""Words that must not occur in docstrings, comments and documents: metaphors, and words that lead to odd sentences."""
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "resources" / "help" / "en").glob("*.md")]

EXEMPT = {
    "trayalert/domain/check_result.py": {"said"},  # a key of `doctor --json`
    "trayalert/domain/incident/level.py": {"INFO", "_INFO"},  # Cloud Monitor's level
    "trayalert/domain/settings/settings.py": {"strip"},  # the setting's key
    "trayalert/cli/command_base.py": {"info_name"},  # a parameter of click's `make_context`
    "trayalert/cli/language/own_language.py": {"say", "says"},
    "trayalert/domain/wording/language.py": {"say", "says"},  # a language says a word: the verb is meant literally
    "trayalert/listener/http_protocol.py": {"exc_info"},  # a parameter of `logging.LogRecord`
}


def _bound(tree: ast.AST) -> Iterator[str]:
    """Return the identifiers that a module defines or assigns. Names that the module only uses are left out."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name
            case ast.ExceptHandler(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name


def _words(identifier: str) -> set[str]:
    """Split snake_case and CamelCase into lowercase words."""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", identifier)}


def named_tests(text: str) -> set[tuple[str, str]]:
    """Return the file name and the function name of each test that a text mentions as `test_x.py::test_y`."""
    return set(re.findall(r"\b(test_\w+\.py)::(\w+)", text))


def missing_tests(text: str) -> list[str]:
    """Return the tests that a text mentions but that do not exist. The text mentions files without their folders."""
    named = named_tests(text)
    existing = {
        (path.name, function)
        for path in CODE
        if path.name in {file for file, _ in named}
        for function in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(encoding="utf-8"), re.MULTILINE)
    }
    return [f"{file}::{function}" for file, function in sorted(named - existing)]


def banned_in(source: str) -> set[str]:
    """Return the identifiers that contain a banned word. The name of a test is a sentence, and may contain any word."""
    return {name for name in _bound(ast.parse(source)) if not name.startswith("test_") and _words(name) & BANNED}


def imported_in(source: str) -> set[str]:
    """Return the names of all modules that a module's source imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                found.update(name.name for name in names)
            case ast.ImportFrom(module=str(module)):
                found.add(module)
    return found


def repeated(names: list[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}


def test_no_identifier_holds_a_banned_word() -> None:
    found = {}
    for path in CODE:
        name = path.relative_to(ROOT).as_posix()
        names = banned_in(path.read_text(encoding="utf-8")) - EXEMPT.get(name, set())
        if names or (_words(path.stem) & BANNED and not path.stem.startswith("test_")):
            found[name] = names

    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "def tell(): ...", "async def f(wish): ...", "class FrontDoor: ...", "for burning in (): ...",
        "import a as desk", "self.letters_sent = 1", "with a() as told: ...", "match x:\n case [*ways]: ...\n",
        "x = lambda crowd: 1", "try: ...\nexcept E as knock: ...", "HTTPGuest: int = 1", "[hears for hears in x]",
        "(said := f())", "match x:\n case {**wishes}: ...\n", "match x:\n case int(door): ...\n",
        "class A:\n def _hear(self): ...\n",
    ],
)  # fmt: skip
def test_the_check_of_words_finds_each_form(source: str) -> None:
    assert banned_in(source)


def test_the_check_of_words_leaves_strings_and_other_libraries_alone() -> None:
    assert banned_in("x = {'door': 1}['door']; y = ' a '.strip(); f'{x.say()} wish'; f(front=1)") == set()


def test_every_exemption_is_needed() -> None:
    for name, identifiers in EXEMPT.items():
        assert identifiers <= banned_in((ROOT / name).read_text(encoding="utf-8")), name


def test_no_package_holds_too_many_modules() -> None:
    counts = Counter(path.parent.relative_to(ROOT).as_posix() for path in CODE if not path.stem.startswith("__"))

    assert {package: count for package, count in counts.items() if count > MOST_MODULES} == {}


def test_few_modules_are_tiny() -> None:
    tiny = [path.name for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) < TINY]

    assert len(tiny) <= MOST_TINY, tiny


def test_a_file_name_is_used_once() -> None:
    assert repeated([path.name for path in CODE]) <= {"__init__.py", "__main__.py", "conftest.py"}


def test_a_class_name_is_used_once() -> None:
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in PRODUCT]
    names = [node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]

    assert repeated(names) == set()
    assert [name for name in names if _words(name) & {"data", "handler"}] == []


def test_a_module_is_a_noun() -> None:
    """Only checks that no module's name ends in -ing."""
    nouns = ("wording",)

    assert [path.name for path in MODULES if path.stem.endswith("ing") and not path.stem.endswith(nouns)] == []


def test_contributing_shows_each_package_and_each_file_that_it_names_is_there() -> None:
    packages = {path.parent.relative_to(ROOT / "trayalert") for path in PRODUCT if path.parent != ROOT / "trayalert"}
    (tree,) = re.findall(r"## Packages\n.*?```\n(.*?)```", CONTRIBUTING, re.DOTALL)
    assert [str(package) for package in packages if f"{package.name}/" not in tree] == []

    named = set(re.findall(r"(?<![\w/*])(?:[a-z_]+/)+[a-z_]+\.(?:py|tsv|json|txt|sh)\b", CONTRIBUTING))
    assert len(named) > 50
    example = {"callbacks/uptime.py"}
    assert [
        name for name in named - example if not any((ROOT / top / name).exists() for top in ("", "trayalert"))
    ] == []


def test_each_test_that_contributing_names_exists() -> None:
    assert missing_tests(CONTRIBUTING) == []
    files = set(re.findall(r"\btest_\w+\.py", CONTRIBUTING))
    assert files <= {path.name for path in CODE}


def test_each_decision_names_a_test() -> None:
    _, _, section = CONTRIBUTING.partition("\n## Decisions\n")
    decisions = re.split(r"\n- ", section.partition("\n## ")[0])[1:]

    assert len(decisions) > 40
    assert [decision for decision in decisions if not named_tests(decision)] == []


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("`test_structure.py::test_a_module_is_a_noun`", []),
        ("`tests/test_structure.py::test_a_module_is_a_noun`", []),
        ("`test_structure.py::test_a_module_is_a_verb`", ["test_structure.py::test_a_module_is_a_verb"]),
        ("`test_patches.py::test_a_module_is_a_noun`", ["test_patches.py::test_a_module_is_a_noun"]),
        ("`test_nothing.py::test_a_module_is_a_noun`", ["test_nothing.py::test_a_module_is_a_noun"]),
    ],
)
def test_a_test_that_does_not_exist_is_found(text: str, missing: list[str]) -> None:
    assert missing_tests(text) == missing


def test_only_one_module_reads_the_times_in_callbacks() -> None:
    """Apart from times.py, callbacks/ and domain/ use integers for times, so they cannot mistake a zone or a unit."""
    readers = {"calendar", "datetime", "email.utils", "time", "zoneinfo"}
    for path in PRODUCT:
        layer, *rest = path.relative_to(ROOT / "trayalert").parts
        if layer in {"callbacks", "domain"} and rest != ["times.py"]:
            assert not imported_in(path.read_text(encoding="utf-8")) & readers, path
    assert "datetime" in imported_in((ROOT / "trayalert" / "domain" / "times.py").read_text(encoding="utf-8"))


def _prose(source: str) -> Iterator[str]:
    """Return the docstrings and comments in a module's source."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield text
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _banned_in_prose(texts: Iterable[str]) -> set[str]:
    """Return the banned words in the given texts. Text in backticks and code blocks may contain any word."""
    bare = re.sub(r"```.*?```|`[^`]*`", "", "\n".join(texts), flags=re.DOTALL)
    return set(re.findall(r"\w+", bare.lower())) & BANNED_IN_PROSE


def test_no_docstring_comment_or_document_has_a_banned_word() -> None:
    texts = {path: _prose(path.read_text(encoding="utf-8")) for path in CODE}
    texts |= {path: iter([path.read_text(encoding="utf-8")]) for path in DOCUMENTS}
    found = {str(path.relative_to(ROOT)): words for path, text in texts.items() if (words := _banned_in_prose(text))}

    assert found == {}


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('def f():\n    """Called when nobody is there."""\n', {"nobody"}),
        ("x = 1  # what burns\n", {"burns"}),
        ('x = 1\n"""The moment of it."""\n', {"moment"}),
        ('def f():\n    """Return `door_counts`, the counts of the listener."""\n', set()),
        ('x = "the door"\n', set()),
    ],
)
def test_a_banned_word_in_prose_is_found(source: str, words: set[str]) -> None:
    assert _banned_in_prose(_prose(source)) == words
