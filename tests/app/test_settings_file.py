"""The chosen ingress or language is written into the settings, and everything else in the file stays."""

import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from tests.program import UNPRIVILEGED, run
from trayalert.app.platform.places import Places, find_places
from trayalert.app.settings_file import SettingsFault, change_settings, changed_text
from trayalert.domain.settings.ingress import ChosenIngress, Ingress

URL = "https://alerts.example.com"
HOST = ChosenIngress(ingress=Ingress.HOST, public_url=URL)
TUNNEL = ChosenIngress(
    ingress=Ingress.TUNNEL, public_url=URL, tunnel={"kind": "ssh", "host": "h", "user": None, "more": ()}
)

FILE = """\
# my settings
port = 8765   # as ever
public_url = "https://old.example.com" # to be changed

# how it gets in
[tunnel]
kind = "frp"  # the kind
# what else
server = 'x'

# my programs
[commands]
"SSH" = ["ssh", "root@{address}"]  # { "not": a comment }
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return find_places(str(tmp_path / "data"))


def written(text: str, chosen: ChosenIngress) -> str:
    return changed_text(text, chosen, name="settings.toml")


def fault(places: Places, chosen: ChosenIngress = HOST) -> SettingsFault:
    with pytest.raises(SettingsFault) as caught:
        change_settings(places, chosen)
    return caught.value


# the text
def test_values_change_where_they_stand_and_all_else_stays() -> None:
    assert written(FILE, TUNNEL) == (
        FILE.replace("https://old.example.com", URL).replace('"frp"', '"ssh"').replace("server = 'x'\n", "")
        .replace("# the kind\n", '# the kind\nhost = "h"\n')
    )  # fmt: skip


def test_a_line_whose_value_stays_is_left_as_it_is_written() -> None:
    line = 'environment = { A = "b" }  # why\n'
    tunnel = {"kind": "ssh", "server": "y", "environment": {"A": "b"}}
    chosen = ChosenIngress(ingress=Ingress.TUNNEL, public_url=URL, tunnel=tunnel)
    assert line in written(FILE.replace("# what else\n", line), chosen)


def test_the_tunnel_goes_and_comments_stay_where_the_way_is_another() -> None:
    after = written(FILE, HOST)

    assert tomllib.loads(after) == {
        "port": 8765, "public_url": URL, "commands": {"SSH": ["ssh", "root@{address}"]}
    }  # fmt: skip
    for comment in ("# my settings", "# as ever", "# how it gets in", "# what else", "# my programs\n[commands]"):
        assert comment in after
    assert "tunnel" not in after
    assert written(after, HOST) == after


def test_a_language_is_written_where_it_stands_or_before_the_tables() -> None:
    assert changed_text('language = "en"  # mine\n' + FILE, "zh", name="") == 'language = "zh"  # mine\n' + FILE
    after = changed_text(FILE, "zh", name="")
    assert tomllib.loads(after) == {**tomllib.loads(FILE), "language": "zh"}
    assert after.replace('language = "zh"\n', "") == FILE


def test_nothing_takes_the_line_out() -> None:
    after = written(
        FILE, ChosenIngress(ingress=Ingress.TUNNEL, tunnel={"kind": "ssh", "server": "", "port": 0, "on": False})
    )

    assert "public_url" not in after
    assert tomllib.loads(after)["tunnel"] == {"kind": "ssh", "port": 0, "on": False}


@pytest.mark.parametrize(
    "text",
    [
        "", "# nothing", "port = 1", "\ufeffport = 1\n", "port = 1\r\n# x\r\n[commands]\r\na = ['b']\r\n",
        "[commands]\na = ['b']", "# first\n\n# commands\n[commands]\n", "[[expected]]\nname = 'x'\n# end",
        "tunnel.kind = 'x'\nport = 1\n# between\ntunnel.b = 1\n", "tunnel = { kind = 'x' }\nport = 1\n",
        "[tunnel.deep]\nx = 1\n# a\n[commands]\n[tunnel.other]\ny = 1\n# b\n",
        "[tunnel]\n[tunnel.deep]\nx = 1\n# deep\n", "[tunnel]\nkind = 'x'\ndeep.a = 1\ndeep.b = 2 # c\n",
        "[[tunnel]]\nkind = 'x'\n", "tunnel = 7\n# x\n",
        "[commands]\na = ['''\n# no comment\n''']\n", 'public_url = """\nx"""\n[tunnel]',
    ],
)  # fmt: skip
@pytest.mark.parametrize("chosen", [HOST, TUNNEL, ChosenIngress(ingress=Ingress.FORWARD)])
def test_it_is_written_into_whatever_stands_there(text: str, chosen: ChosenIngress) -> None:
    after = written(text, chosen)

    found = tomllib.loads(after.removeprefix("\ufeff"))
    assert found.pop("public_url", None) == chosen.public_url
    assert found.pop("tunnel", None) == ({"kind": "ssh", "host": "h"} if chosen is TUNNEL else None)
    before = tomllib.loads(text.removeprefix("\ufeff"))
    assert found == {name: value for name, value in before.items() if name not in {"public_url", "tunnel"}}
    assert after.startswith("\ufeff") == text.startswith("\ufeff")
    assert written(after, chosen) == after


names = st.sampled_from(["port", "host", "Ünknown", "a b", "public_url", "kind", "x"]) | st.text("ab-", min_size=1)
values = st.integers() | st.booleans() | st.text(max_size=5) | st.lists(st.text("#[]'\"\n", max_size=4), max_size=2)
characters = st.characters(min_codepoint=32, exclude_characters="\x7f", exclude_categories=["Cs", "Cc"])
comments = st.lists(st.text(characters, max_size=8), max_size=2)


@st.composite
def files(draw: st.DrawFn) -> str:
    """Generate settings as a user writes them: values and tables in any order, with comments around them."""
    lines: list[str] = []

    def write(names_left: set[str]) -> None:
        for name in draw(st.lists(names, max_size=4, unique=True)):
            lines.extend(f"# {comment}" for comment in draw(comments))
            if name not in names_left:
                names_left.add(name)
                lines.append(tomlkit.dumps({name: draw(values)}).strip("\n") + draw(st.sampled_from(["", " # beside"])))

    top: set[str] = set()
    write(top)
    for table in draw(st.lists(st.sampled_from(["tunnel", "commands", "tunnel.deep", "other"]), unique=True)):
        lines.extend(["", *(f"# {comment}" for comment in draw(comments)), f"[{table}]"])
        write({"deep"})
    return "\n".join(lines) + draw(st.sampled_from(["", "\n"]))


@given(files(), st.sampled_from([HOST, TUNNEL, ChosenIngress(ingress=Ingress.FORWARD)]))
def test_no_comment_and_no_other_value_is_ever_lost(text: str, chosen: ChosenIngress) -> None:
    before = tomllib.loads(text)
    try:
        after = written(text, chosen)
    except SettingsFault:
        pytest.fail("it was taken for too intricate")
    found = tomllib.loads(after)

    for name in before.keys() - {"public_url", "tunnel"}:
        assert found[name] == before[name]
    assert [line for line in text.split("\n") if line.startswith("# ")] == [
        line for line in after.split("\n") if line.startswith("# ")
    ]


def test_a_file_in_which_a_comment_would_be_lost_is_left_and_the_lines_are_told(places: Places) -> None:
    text = f'public_url = [\n# a comment inside the value\n"{URL}"]\n'
    places.make()
    places.settings.write_text(text)

    found = fault(places)

    assert "is too intricate to be changed" in str(found)
    assert found.lines == f'public_url = "{URL}"'
    assert places.settings.read_text() == text


@pytest.mark.parametrize("text", ["port = ", "a = 1\na = 2", "[tunnel", "x = " + "[" * 5000])
def test_what_is_not_toml_is_left_and_the_lines_are_told(text: str, places: Places) -> None:
    places.make()
    places.settings.write_text(text)
    raised = fault(places, TUNNEL)

    assert "is not TOML, and is left as it is" in str(raised)
    assert tomllib.loads(raised.lines) == {"public_url": URL, "tunnel": {"kind": "ssh", "host": "h"}}
    assert raised.lines in str(raised)
    assert places.settings.read_text() == text


def test_the_lines_of_a_language_are_told_too(places: Places) -> None:
    places.make()
    places.settings.write_text("port = \n")
    with pytest.raises(SettingsFault) as caught:
        change_settings(places, "zh")
    assert caught.value.lines == 'language = "zh"'
    assert places.settings.read_text() == "port = \n"


# the file
def test_the_file_is_written_private_and_what_holds_then_is_returned(places: Places) -> None:
    settings = change_settings(places, HOST)

    assert settings.public_url == URL
    assert places.settings.read_text() == f'public_url = "{URL}"\n'
    assert stat.S_IMODE(places.settings.stat().st_mode) == 0o600
    assert stat.S_IMODE(places.settings.parent.stat().st_mode) == 0o700
    assert change_settings(places, ChosenIngress(ingress=Ingress.HOST)).public_url is None


def test_a_link_stays_a_link(places: Places, tmp_path: Path) -> None:
    places.make()
    own = tmp_path / "own.toml"
    own.write_text("port = 1\n")
    places.settings.symlink_to(own)
    change_settings(places, HOST)

    assert places.settings.readlink() == own
    assert own.read_text() == f'port = 1\npublic_url = "{URL}"\n'


def test_what_the_new_values_make_wrong_is_told_and_not_written(places: Places) -> None:
    places.make()
    places.settings.write_text("prt = 1 # wrong before\n")
    wrong = ChosenIngress(ingress=Ingress.TUNNEL, public_url="ftp://x", tunnel={"kind": "no such kind"})
    raised = fault(places, wrong)

    assert "public_url" in str(raised)
    assert "prt" not in str(raised)
    assert places.settings.read_text() == "prt = 1 # wrong before\n"
    assert change_settings(places, HOST).public_url == URL  # what was wrong before does not prevent the change


class _Meddling(Mapping[str, object]):
    """A table that changes the settings file, as another program could, while the table is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __getitem__(self, name: str) -> object:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        self._path.write_text("port = 2\n")
        return iter(())

    def __len__(self) -> int:
        return 0


def test_a_file_that_changed_meanwhile_is_left(places: Places) -> None:
    places.make()
    places.settings.write_text("port = 1\n")
    raised = fault(places, ChosenIngress(ingress=Ingress.TUNNEL, public_url=URL, tunnel=_Meddling(places.settings)))

    assert "was changed by another program just now" in str(raised)
    assert places.settings.read_text() == "port = 2\n"


def test_bytes_that_are_no_text_are_left(places: Places) -> None:
    places.make()
    places.settings.write_bytes(b"# \xff\n")
    assert "is not UTF-8" in str(fault(places))


def test_where_nothing_may_be_written_the_lines_are_told(places: Places) -> None:
    places.settings.parent.parent.joinpath("data").write_text("a file")
    assert f'public_url = "{URL}"' in str(fault(places))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights of files")
def test_a_folder_without_rights_is_a_sentence(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o500)
    script = "import sys; from trayalert.app.platform.places import find_places\n"
    script += "from tests.app import test_settings_file as t\n"
    script += "print(t.fault(find_places(sys.argv[1])))"
    command = [*UNPRIVILEGED, sys.executable, "-c", script, str(folder)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "cannot be written: Permission denied" in output


def test_no_command_imports_what_only_writing_needs(tmp_path: Path) -> None:
    assert run("status", "--json", data_dir=tmp_path / "data", PYTHONPROFILEIMPORTTIME="1").err.count("tomlkit") == 0
