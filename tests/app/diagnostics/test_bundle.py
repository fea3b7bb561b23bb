"""`trayalert diagnostics`: what the bundle contains, and what it must never contain."""

import io
import json
import re
import sqlite3
import stat
import string
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.program import post, run, serving
from trayalert.app.diagnostics.anonymiser import Anonymiser
from trayalert.app.diagnostics.bundle import make_bundle, secret_mask
from trayalert.app.platform.places import Places, find_places

FORMER = "Zm9ybWVyLXNlY3JldC1vZi1hbi1vbGQtdGltZQ-_A"
"""A secret that is no longer in `secrets.json`, but still in a rule, a crash file or the settings."""
RULE = "payroll-database-is-burning"


OFFLINE = {"https_proxy": "http://127.0.0.1:9"}


def gathered(data_dir: Path, tmp_path: Path) -> dict[str, str]:
    path = tmp_path / "bundle.zip"
    done = run("diagnostics", "-o", path, data_dir=data_dir, https_proxy=OFFLINE["https_proxy"])
    assert (done.status, done.err) == (0, "")
    assert str(path) in done.out
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return members_of(path.read_bytes())


def members_of(packed: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def salt(data_dir: Path, *secrets: str) -> None:
    """Write secrets into files that should not contain secrets."""
    data_dir.mkdir(exist_ok=True)
    words = "\n".join(f'# http://127.0.0.1/hook/{secret}/ and {secret} and %41{secret}"' for secret in secrets)
    (data_dir / "settings.toml").write_text(f"{words}\nport = 0\n")
    (data_dir / "crashes").mkdir(exist_ok=True)
    (data_dir / "crashes" / "crash-20261123T031200Z.txt").write_text(f"RuntimeError\n{words}")
    with (data_dir / "access.log").open("a") as log:
        log.write(f"a line\n{words}\n")


def secrets_of(data_dir: Path) -> list[str]:
    return [secret["value"] for secret in json.loads((data_dir / "secrets.json").read_text())["secrets"]]


@pytest.mark.parametrize("running", [True, False])
def test_no_member_holds_a_secret_or_an_alert(tmp_path: Path, running: bool) -> None:
    data_dir = tmp_path / "data"
    with serving(data_dir) as serve:
        before = serve.secret
        assert post(serve.url, urlencode({"alertName": RULE, "alertState": "ALERT"}).encode()) == 200
        assert post(f"{serve.address}/hook/{FORMER}") == 404
        serve.run("url", "--rotate", "--grace", "0s")
        secrets = [before, FORMER, *secrets_of(data_dir)]
        salt(data_dir, *secrets)
        members = gathered(data_dir, tmp_path) if running else {}
    members = members or gathered(data_dir, tmp_path)

    assert members.keys() - {"crashes/fatal.txt"} == {
        "status.json", "doctor.json", "versions.json", "settings.json", "access.log", "trayalert.log", "files.json",
        "check.json", "gaps.json", "incidents.json", "crashes/crash-20261123T031200Z.txt",
    }  # fmt: skip
    whole = "\n".join(members.values())
    assert not [secret for secret in (*secrets, RULE) if secret in whole]
    assert "/hook/***" in members["crashes/crash-20261123T031200Z.txt"]
    assert json.loads(members["status.json"])["running"] is running
    assert json.loads(members["settings.json"])["settings"]["port"] == 0
    assert json.loads(members["incidents.json"]) == {"open": {"WARN": 1}}
    assert [check["name"] for check in json.loads(members["doctor.json"])["checks"]][5] == "listener"
    assert "(serve, process" in members["trayalert.log"]
    assert "Python" in json.loads(members["versions.json"])
    listed = {entry["path"]: entry["mode"] for entry in json.loads(members["files.json"])}
    assert listed["secrets.json"] == "-rw-------"


def test_the_search_for_secrets_finds_one_that_is_there(tmp_path: Path) -> None:
    """This negative control shows that the files contain the secret before the mask is applied."""
    salt(tmp_path, FORMER)
    assert FORMER in (tmp_path / "access.log").read_text()


def test_a_former_secret_is_known_by_its_look(tmp_path: Path) -> None:
    mask = secret_mask(find_places(str(tmp_path)))
    assert mask(f"GET /hook/{FORMER}?x") == "GET /hook/***?x"
    assert mask(f"it was {FORMER}.") == "it was ***."
    plain = 'File "/usr/lib/python3.11/asyncio/base_events.py", line 1, in run_until_complete 2026-11-23T03:12:00.000Z'
    assert mask(plain) == plain
    assert not re.search("secrets.json", " ".join(path.name for path in tmp_path.iterdir()))


def test_it_works_with_a_damaged_log_and_before_anything_ran(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    assert "status.json" in gathered(data_dir, tmp_path)
    assert not data_dir.exists()
    data_dir.mkdir()
    (data_dir / "trayalert.db").write_bytes(b"no database" * 1000)
    (data_dir / "secrets.json").write_text("{")

    members = gathered(data_dir, tmp_path)

    (problem,) = json.loads(members["status.json"])["log_problems"]
    assert "trayalert.db" in problem


def test_a_bundle_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    done = run("diagnostics", "-o", tmp_path / "none" / "x.zip", data_dir=tmp_path)
    assert (done.status, len(done.err.splitlines())) == (1, 1)


def test_it_changes_nothing_in_the_log(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as serve:
        post(serve.url, b"alertName=x")
    gathered(tmp_path / "data", tmp_path)
    with closing(sqlite3.connect(tmp_path / "data" / "trayalert.db")) as log:
        assert log.execute("SELECT count(*) FROM delivery").fetchone() == (1,)


# what names a user, a computer or a resource

SIGNS = string.ascii_lowercase + string.digits


def words(signs: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(signs, min_size=least, max_size=most)


def with_digit(text: str) -> str:
    return f"{text[:-2]}7q"


@dataclass(frozen=True)
class Seed:
    """The invented names that are planted for one bundle."""

    resource: str
    account: str
    uuid: str
    cluster: str
    mail: str
    host: str
    ipv4: str
    ipv6: str
    user: str
    token: str
    secret_name: str
    rule: str
    folder: str

    def each(self) -> Iterator[str]:
        for field in fields(self):
            yield getattr(self, field.name)


SEEDS = st.builds(
    Seed,
    resource=st.builds("{}-{}".format, st.sampled_from(["i", "rm", "vpc"]), words(SIGNS, 12, 20).map(with_digit)),
    account=st.integers(10**15, 10**16 - 1).map(str),
    uuid=st.uuids(version=4).map(str),
    cluster=words("0123456789abcdef", 30, 31).map(lambda text: f"c{text}7"),
    mail=st.builds("{}.muster@{}.example.com".format, words(string.ascii_lowercase, 6, 9), words(SIGNS, 6, 9)),
    host=st.builds("h{}.{}.example.net".format, words(SIGNS, 6, 12), words(SIGNS, 6, 12)),
    ipv4=st.ip_addresses(v=4, network="203.0.113.0/24").map(str),
    ipv6=st.ip_addresses(v=6, network="2001:db8::/32").map(str),
    user=words(string.ascii_lowercase, 7, 12).map(lambda text: f"usr{text}"),
    token=words(string.ascii_letters + string.digits, 36, 44).map(lambda text: f"{text[:-3]}aB7"),
    secret_name=words(SIGNS, 8, 12).map(lambda text: f"acme.{text}"),
    rule=words(string.ascii_lowercase + " ", 12, 120).map(lambda text: f"pay {text}roll 工资"),
    folder=words(string.ascii_lowercase, 8, 12).map(lambda text: f"/srv/{text}/key.pem"),
)  # fmt: skip


def planted(data_dir: Path, seed: Seed) -> tuple[Places, dict[str, object]]:
    """Write all names of the seed into the files and the state in which such names can occur."""
    places = find_places(str(data_dir))
    places.make()
    lines = (
        f"2026-11-23T03:12:00.000Z {seed.ipv4} POST hook {seed.secret_name} 200 512 1.0\n"
        f"2026-11-23T03:12:01.000Z {seed.ipv6} GET - - 404 0 1.0\n"
        f"2026-11-23 03:12:02,123 WARNING x: {seed.resource}, {seed.account}; [{seed.uuid}] <{seed.mail}>\n"
        f"RuntimeError: {seed.cluster} at https://{seed.host}:8443/x ({seed.ipv6}: no, {seed.ipv4}:443) {seed.ipv4}.\n"
        f'  File "/home/{seed.user}/trayalert/app.py", line 7, token={seed.token}\n'
        f"lookup {seed.host} failed; tcp://[{seed.ipv6}]:7000 https://{seed.user}:pw@{seed.host}/ {seed.folder}\n"
    )
    for path in (places.access_log, places.program_log, places.crashes / "crash-20261123T031200Z.txt"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(lines)
    (places.crashes / f"error-{seed.user}.txt").write_text(lines)
    (data_dir / f"{seed.host}.pem").write_text("")
    places.secrets.write_text(json.dumps({"secrets": [{"name": seed.secret_name, "value": "v" * 43, "until": None}]}))
    rule = seed.rule.strip()
    places.settings.write_text(
        f"public_url = 'https://{seed.host}/{seed.user}'\nallowed_hosts = ['{seed.host.upper()}']\n"
        f"trusted_proxies = ['{seed.ipv4}', '{seed.ipv6}']\ntls_key = '{seed.folder}'\nport = '{rule}'\n"
        f"{seed.user} = '{seed.mail}'\n[commands]\n'{rule}' = ['ssh', '{seed.user}@{seed.host}']\n"
        f"[tunnel]\nkind = 'ssh'\nhost = '{seed.user}@{seed.host}'\nremote_port = 9000\nidentity = '{seed.folder}'\n"
        f"[[expected]]\nname = '{rule}'\nhours = 25\nresource = '{seed.resource}'\n",
        encoding="utf-8",
    )
    state: dict[str, object] = {
        "probing": f"the last 03:12 from {seed.ipv4}.",
        "tunnel": {"output": [lines], "why": f"{seed.host}: no such host"},
        "public_url": f"https://{seed.host}",
    }
    return places, state


@given(seed=SEEDS)
@settings(max_examples=40)
def test_no_name_of_anybody_is_in_any_byte_of_the_bundle(seed: Seed) -> None:
    with tempfile.TemporaryDirectory() as folder:
        places, state = planted(Path(folder) / "data", seed)
        members = members_of(make_bundle(places, state, {}, {}))

    whole = "\n".join([*members, *members.values()]).lower()
    assert [name for name in seed.each() if name.strip().lower() in whole] == []
    assert [part for part in (seed.host.split(".")[0], seed.mail.split("@")[0], "example.net") if part in whole] == []
    assert "工资" not in whole
    # the bundle still says what happened
    assert "2026-11-23T03:12:00.000Z id-" in members["access.log"]
    assert "2026-11-23 03:12:02,123 WARNING x: id-" in members["trayalert.log"]
    assert "no such host" in members["status.json"]
    assert json.loads(members["settings.json"])["settings"]["tunnel"]["remote_port"] == 9000


class HidesNothing(Anonymiser):
    def text(self, text: str) -> str:
        return text

    def hashed(self, name: str) -> str:
        return name


def test_the_search_for_names_finds_them_where_nothing_hides_them(tmp_path: Path) -> None:
    """This negative control shows that, without the anonymiser, the bundle contains every name except the token."""
    seed = Seed(
        resource="i-bp1a2b3c4d5e", account="1234567890123456", uuid="0b0e7a3e-7c1f-4b1e-9a63-2d0d7a5f6c11",
        cluster="c0123456789abcdef0123456789abcdef", mail="max.muster@firm.example.com", host="habc.firm.example.net",
        ipv4="203.0.113.7", ipv6="2001:db8::7", user="usrmuster", token="t" * 33 + "aB7", secret_name="acme.prod",
        rule="pay the roll 工资", folder="/srv/acme/key.pem",
    )  # fmt: skip
    places, state = planted(tmp_path / "data", seed)
    members = members_of(make_bundle(places, state, {}, {}, anonymiser_type=HidesNothing))
    whole = "\n".join([*members, *members.values()])
    assert [name for name in seed.each() if name not in whole] == [seed.token]  # the mask for secrets removes the token


def test_what_is_the_same_is_told_as_the_same_within_one_bundle_only() -> None:
    text = "i-bp1a2b3c4d5e and https://a.example.com/x and a.example.com and I-BP1A2B3C4D5E"
    one, other = Anonymiser(), Anonymiser()
    first, _, host, _, again, _, upper = one.text(text).replace("https://", "").replace("/x", "").split()
    assert first == upper
    assert host == again
    assert re.fullmatch("id-[0-9a-f]{8}", first)
    assert other.text(text) != one.text(text) == one.text(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T03:12:00.000Z 2026-11-23 03:12:02,123 took 12.5 ms, 1,234 MiB, port 8765 on 127.0.0.1, [::1]:8765",
        'File "/usr/lib/python3.11/asyncio/base_events.py", line 653, in run_until_complete',
        "trayalert.app.diagnostics trayalert-20261123T031200Z.db crash-20261123T031200Z-2.txt http://localhost:1/ ::",
        "Linux-6.18.44-fc-v669-x86_64-with-glibc2.36, aiohttp 3.14.5, PySide6-Essentials 6.11.3, SQLite 3.40.1",
        "cn-hangzhou us-east-1 acs_ecs_dashboard cpu_total CPUUtilization [Errno 28] No space left on device",
    ],
)
def test_times_versions_sizes_and_errors_stay_readable(text: str) -> None:
    assert Anonymiser().text(text) == text


def test_a_value_that_a_sentence_cuts_short_is_hidden_too() -> None:
    name = "the payroll of Max Muster and of all his many friends in the accounting department of the firm"
    assert "payroll" not in Anonymiser([name]).text(f'port = "{name[:78]}…: must be a whole number')


@pytest.mark.parametrize("sign", ["a", "a-", "a.", "7:", "x@", "a://", "…a", "_"])
def test_a_huge_word_of_a_stranger_is_done_with_soon(sign: str) -> None:
    begun = time.monotonic()
    Anonymiser(["a" * 100]).text(sign * 40_000)
    assert time.monotonic() - begun < 5


def test_a_huge_word_is_looked_at_once_for_secrets(tmp_path: Path) -> None:
    mask = secret_mask(find_places(str(tmp_path)))
    words = ("x" * 262_144, "x-" * 131_072)
    begun = time.monotonic()
    assert [mask(word) for word in words] == list(words)
    assert mask("x" * 262_144 + "Y") == "***"
    assert time.monotonic() - begun < 2
