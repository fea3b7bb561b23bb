"""Checks that tests use trayalert only as its callers do.

A test must not patch any part of trayalert, and must not use private attributes of trayalert's objects. If a test needs
another limit, timing or clock, or a part that fails, the test passes it in. The standard library and the operating
system may be patched.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
MODULES = sorted(TESTS.rglob("*.py"))

REPLACING = {"setattr", "delattr", "setitem", "delitem"}
"""Functions that change an attribute or item of their first argument: builtins, and methods of monkeypatch."""
PUBLIC = {"_replace", "_asdict", "_make", "_fields"}
"""Attributes of named tuples that are public although their names begin with an underscore."""

EXEMPT = {
    "app/control/test_control_protocol.py": "tries to change a command, which must not be possible",
    "app/platform/test_autostart.py": "quotes texts by a private function",
    "bench/watched.py": "measures the queue of the event bridge",
    "desktop/test_dbus_notifier.py": "looks at which notifications are shown",
    "desktop/test_portable_notifier.py": "puts a backend into the library of notifications",
    "desktop/test_real_daemons.py": "looks at the programs that were started",
    "proof/test_fuzz.py": "breaks the console links, to show that the fuzzer finds that",
    "services/presentation/test_metric_table.py": "looks at which part of the table was read",
    "soak/controls/acks_early.py": "a control: the program, broken on purpose",
    "soak/controls/closes_kept.py": "a control: the program, broken on purpose",
    "soak/controls/leaking_faults.py": "a control: the program, broken on purpose",
    "storage/recovery/test_restore.py": "ends a restore at each step",
}
"""Test modules that may use internals of trayalert, each with the reason. Remove a line that is no longer needed."""


def internals_used(source: str) -> set[str]:
    """Return the expressions in a test module's source that patch a part of trayalert or use its private names."""
    tree = ast.parse(source)
    ours, others = _imported(tree)
    own = _bound_privately(tree)
    return {ast.unparse(node) for node in _found(tree, ours, others, own)}


def test_tests_use_no_internals_except_where_they_must() -> None:
    found = {path.relative_to(TESTS).as_posix(): internals_used(path.read_text(encoding="utf-8")) for path in MODULES}
    used = {name: internals for name, internals in found.items() if internals}

    assert {name: internals for name, internals in used.items() if name not in EXEMPT} == {}
    assert EXEMPT.keys() - used.keys() == set(), "these need no exemption any more"


OURS = "from trayalert import a\nfrom trayalert.b import C\nimport trayalert.d\n"


@pytest.mark.parametrize(
    "source",
    [
        "monkeypatch.setattr(a, 'x', 1)", "setattr(C, 'x', 1)", "patch.delattr(a.b, 'x')", "patch.setitem(a.D, 1, 2)",
        "monkeypatch.setattr('trayalert.b.x', 1)", "monkeypatch.setattr(trayalert.d, 'x', 1)",
        "def test(world, patch): patch.setattr(type(world.tray), 'x', 1)", "made = C()\npatch.setattr(made, 'x', 1)",
        "a.x = 1", "C.x += 1", "a.D['x'] = 1", "del a.x", "trayalert.d.x: int = 1", "a.x, y = 1, 2",
        "a._x", "C()._x()", "def test(world): assert world.b._x == 1", "self.world._x", "getattr(a, '_x')",
        "from tests.c import made\nx = made()\nx._y", "world._x = 1",
        "from trayalert.b import _x", "from trayalert.b import _x as x",
    ],
)  # fmt: skip
def test_each_form_is_found(source: str) -> None:
    assert internals_used(OURS + source)


@pytest.mark.parametrize(
    "source",
    [
        "import time\npatch.setattr(time, 'x', 1)", "import asyncio\nloop = asyncio.x()\npatch.setattr(loop, 'x', 1)",
        "from os import stat\nstat._x", "patch.setattr('os.fsync', f)", "patch.setenv('x', a.y)",
        "made = C()\nmade.x = 1", "x = a.y", "C(x=1)", "alert._replace(x=1)", "a.__name__",
        "class D(C):\n def f(self): self._x = super()._y", "class Fake:\n def _f(self): ...\nFake()._f()",
        "class Fake:\n def __init__(self): self._x = 1\ndef test(fake: Fake): fake._x",
    ],
)  # fmt: skip
def test_what_is_not_of_trayalert_is_left_alone(source: str) -> None:
    assert internals_used(OURS + source) == set()


def _imported(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Return two sets: the names imported from trayalert, and the names that cannot refer to a part of trayalert.

    The second set contains all names imported from other packages, and the variables to which the result of a call of
    these names is assigned. If a function of `tests` is called, the variable with its result is in neither set, because
    the result may be an object of trayalert.
    """
    names: dict[str, set[str]] = {}  # the key is the top-level package
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=aliases):
                found = {alias.asname or alias.name for alias in aliases}
                names.setdefault(module.split(".")[0], set()).update(found)
            case ast.Import(names=aliases):
                for alias in aliases:
                    top = alias.name.split(".")[0]
                    names.setdefault(top, set()).add(alias.asname or top)
    ours, tests = names.pop("trayalert", set()), names.pop("tests", set())
    others = set[str]().union(*names.values())
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if _root(call) in others:
                others.add(name)
    return ours, (others | tests) - ours


def _bound_privately(tree: ast.AST) -> set[str]:
    """Return the attributes that the classes of a test module define or assign to `self`."""
    names = set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                names.add(name)
            case ast.ClassDef(body=body):
                names.update(_bound_in(body))
    return names


def _bound_in(body: list[ast.stmt]) -> Iterator[str]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield name


def _found(tree: ast.AST, ours: set[str], others: set[str], own: set[str]) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module), names=names) if module.split(".")[0] == "trayalert":
                if any(_is_private(alias.name) for alias in names):
                    yield node
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[target, *_]) if name in REPLACING:
                match target:
                    case ast.Constant(value=str(path)):
                        if path.startswith("trayalert."):
                            yield node
                    case _ if _root(target) not in others:
                        yield node
            case ast.Call(func=ast.Name(id="getattr"), args=[target, ast.Constant(value=str(name)), *_]):
                if _is_private(name) and name not in own and _root(target) not in others:
                    yield node
            case (
                ast.Attribute(value=ast.Name(id="self" | "cls"))
                | ast.Attribute(value=ast.Call(func=ast.Name(id="super")))
            ):
                pass
            case ast.Attribute(attr=name, value=value) if _is_private(name) and name not in own:
                if _root(value) not in others:
                    yield node
            case ast.Attribute(ctx=ast.Store() | ast.Del()) | ast.Subscript(ctx=ast.Store() | ast.Del()):
                if _root(node) in ours:
                    yield node


def _is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__") and name not in PUBLIC


def _root(node: ast.AST) -> str:
    """Return the name at the start of an expression, or an empty string if the expression does not start with a name.

    For example, the name is `a` in both `a.b(c)[d].e` and `type(a.b)`.
    """
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id="type"), args=[value]) | ast.Call(func=value):
            return _root(value)
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Await(value=value):
            return _root(value)
    return ""
