"""The secrets in the callback URLs."""

import base64
import hmac
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from trayalert.services.access.secrets import SecretFault, Secrets

HOUR = 3_600_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "secrets.json"


def accepts(secrets: Secrets, secret: str, *, now: int = 0) -> bool:
    return secrets.check(secret.encode(), now=now) is not None


def test_a_secret_has_256_bits_and_fits_into_a_url(path: Path) -> None:
    secret = Secrets(path).current

    assert len(base64.urlsafe_b64decode(secret + "=")) == 32
    assert secret.isascii()
    assert secret.replace("-", "").replace("_", "").isalnum()


def test_every_data_dir_has_its_own(tmp_path: Path) -> None:
    assert len({Secrets(tmp_path / str(number)).current for number in range(50)}) == 50


def test_nobody_else_can_read_it(path: Path) -> None:
    Secrets(path).rotate(grace=HOUR, now=0)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_it_stays_the_same(path: Path) -> None:
    assert Secrets(path).current == Secrets(path).current


def test_the_right_one_opens_and_nothing_else(path: Path) -> None:
    secrets = Secrets(path)

    assert accepts(secrets, secrets.current)
    for wrong in ("", "x", secrets.current[:-1], f"{secrets.current}x", secrets.current.swapcase(), "ü", "x" * 99_999):
        assert not accepts(secrets, wrong)
    assert not secrets.check(b"\xff\xfe\x00", now=0)


def test_the_old_one_opens_until_its_grace_is_over(path: Path) -> None:
    secrets = Secrets(path)
    old = secrets.current
    secrets.rotate(grace=HOUR, now=1000)

    for loaded in (secrets, Secrets(path)):
        assert loaded.current != old
        assert accepts(loaded, loaded.current, now=10 * HOUR)
        assert accepts(loaded, old, now=1000 + HOUR - 1)
        assert not accepts(loaded, old, now=1000 + HOUR)


def test_with_no_grace_the_old_one_is_gone(path: Path) -> None:
    secrets = Secrets(path)
    old = secrets.current
    secrets.rotate(grace=0, now=1000)

    assert not accepts(secrets, old, now=1000)
    assert old not in path.read_text()


def test_a_second_rotation_leaves_the_first_grace_as_it_was(path: Path) -> None:
    secrets = Secrets(path)
    first = secrets.current
    secrets.rotate(grace=HOUR, now=0)
    second = secrets.current
    secrets.rotate(grace=5 * HOUR, now=10)

    assert accepts(secrets, first, now=HOUR - 1)
    assert not accepts(secrets, first, now=HOUR)
    assert accepts(secrets, second, now=5 * HOUR)


def test_every_secret_that_holds_is_masked(path: Path) -> None:
    secrets = Secrets(path)
    old = secrets.current
    secrets.rotate(grace=HOUR, now=0)

    assert secrets.mask(f"GET /hook/{old} and {secrets.current}") == "GET /hook/*** and ***"


def test_a_rotation_that_cannot_be_written_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = Secrets(path)
    old, content = secrets.current, path.read_text()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        with pytest.raises(SecretFault, match="No space left"):
            secrets.rotate(grace=0, now=0)

    assert secrets.current == old
    assert accepts(secrets, old)
    assert path.read_text() == content
    assert list(path.parent.iterdir()) == [path]


VALID = {"value": "x" * 43, "until": None, "name": "default"}
CORRUPT = {
    "empty": b"",
    "no JSON": b"{secret",
    "no text": b"\xff\xfe",
    "a secret and a stray byte": json.dumps({"secrets": [VALID]}).encode() + b"\xff",
    "too deep": b"[" * 100_000,
    "another object": b"{}",
    "a list": b"[]",
    "no secret": b'{"secrets": []}',
    "a text": b'{"secrets": "abc"}',
    "too short": json.dumps({"secrets": [VALID | {"value": "x" * 31}]}).encode(),
    "no string": json.dumps({"secrets": [VALID | {"value": 5}]}).encode(),
    "not for a URL": json.dumps({"secrets": [VALID | {"value": "/" * 43}]}).encode(),
    "surrogates": json.dumps({"secrets": [VALID | {"value": "\ud800" * 43}]}).encode(),
    "no time": json.dumps({"secrets": [VALID | {"until": "tomorrow"}]}).encode(),
    "no name": json.dumps({"secrets": [VALID | {"name": ""}]}).encode(),
    "a name twice": json.dumps({"secrets": [VALID, VALID | {"value": "y" * 43}]}).encode(),
    "only one on its way out": json.dumps({"secrets": [VALID | {"until": 5}]}).encode(),
    "no until": json.dumps({"secrets": [{"value": "x" * 43, "name": "default"}]}).encode(),
    "no name at all": json.dumps({"secrets": [{"value": "x" * 43, "until": None}]}).encode(),
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT)
def test_a_corrupt_file_is_told_in_a_sentence_and_never_overwritten(path: Path, content: bytes) -> None:
    path.write_bytes(content)

    with pytest.raises(SecretFault) as fault:
        Secrets(path)

    assert str(fault.value).startswith(f"the secret in {path} cannot be read (")
    assert "x" * 31 not in str(fault.value)
    assert path.read_bytes() == content


def test_a_folder_in_its_place_is_told_in_a_sentence(path: Path) -> None:
    path.mkdir()

    with pytest.raises(SecretFault, match="cannot be read"):
        Secrets(path)


def test_a_place_that_is_not_there_is_told_in_a_sentence(path: Path) -> None:
    with pytest.raises(SecretFault, match="cannot be written"):
        Secrets(path / "no" / "folder")


def test_of_two_that_start_at_once_both_have_the_same_secret(tmp_path: Path) -> None:
    """On a new machine, `trayalert` and `trayalert url` may start at the same time.

    The URL that `trayalert url` prints must contain the secret that the other process accepts.
    """
    for turn in range(20):
        path = tmp_path / f"{turn}.json"
        with ThreadPoolExecutor(4) as starting:
            found = list(starting.map(Secrets, [path] * 4))

        assert {secrets.current for secrets in found} == {Secrets(path).current}


def test_each_name_has_a_secret_of_its_own(path: Path) -> None:
    secrets = Secrets(path)
    secrets.add("grafana", now=0)
    own, other = secrets.current, secrets.value_of("grafana")

    for loaded in (secrets, Secrets(path)):
        assert loaded.current == own != other
        assert (loaded.check(own.encode(), now=0) or "").startswith("default:")
        assert (loaded.check(other.encode(), now=0) or "").startswith("grafana:")


def test_rotation_touches_one_name_only(path: Path) -> None:
    secrets = Secrets(path)
    secrets.add("grafana", now=0)
    own, old = secrets.current, secrets.value_of("grafana")
    secrets.rotate(grace=HOUR, now=0, name="grafana")

    new = secrets.value_of("grafana")
    assert (secrets.current, new != old) == (own, True)
    labels = [str(secrets.check(value.encode(), now=1)) for value in (own, old, new)]
    assert [label.partition(":")[0] for label in labels] == ["default", "grafana", "grafana"]
    assert len(set(labels)) == 3  # three labels, so that the callbacks of each secret are counted separately
    assert not any(value[:8] in label for label in labels for value in (own, old, new))
    assert secrets.check(old.encode(), now=HOUR) is None


def test_a_secret_that_was_removed_opens_nothing_and_stays_masked(path: Path) -> None:
    secrets = Secrets(path)
    secrets.add("grafana", now=0)
    gone = secrets.value_of("grafana")
    secrets.remove("grafana", now=0)
    rotated = secrets.current
    secrets.rotate(grace=0, now=0)

    assert secrets.check(gone.encode(), now=0) is None
    assert gone not in path.read_text()
    assert secrets.mask(f"{gone} {rotated} {secrets.current}") == "*** *** ***"


def test_a_secret_that_begins_with_a_digit_is_masked_with_its_encoded_first_letter(path: Path) -> None:
    value = "2" + "a" * 42
    path.write_text(json.dumps({"secrets": [{"name": "default", "value": value, "until": None}]}))
    assert Secrets(path).mask(f"GET /hook/%32{value[1:]} HTTP") == "GET /hook/*** HTTP"


@pytest.mark.parametrize("form", ["upper", "lower", "first", "mixed"])
def test_a_secret_is_masked_percent_encoded_too(path: Path, form: str) -> None:
    secrets = Secrets(path)
    value = secrets.current
    encoded = {
        "upper": "".join(f"%{ord(character):02X}" for character in value),
        "lower": "".join(f"%{ord(character):02x}" for character in value),
        "first": f"%{ord(value[0]):02X}{value[1:]}",
        "mixed": "".join(
            character if number % 2 else f"%{ord(character):02x}" for number, character in enumerate(value)
        ),
    }[form]

    assert secrets.mask(f"GET /hook/{encoded} HTTP") == "GET /hook/*** HTTP"


def test_the_only_secret_stays(path: Path) -> None:
    with pytest.raises(SecretFault, match='"default" is the only secret'):
        Secrets(path).remove("default", now=0)


def test_default_may_go_where_another_is(path: Path) -> None:
    secrets = Secrets(path)
    secrets.add("a", now=0)
    secrets.remove("default", now=0)
    secrets.rotate(grace=0, now=0)

    assert secrets.current == secrets.value_of("a") == Secrets(path).current


@pytest.mark.parametrize("name", ["", "a b", "-a", ".a", "a" * 33, "ü", "a/b", "a\n"])
def test_a_name_is_short_and_plain(path: Path, name: str) -> None:
    with pytest.raises(SecretFault, match="is no name for a secret"):
        Secrets(path).add(name, now=0)


def test_a_name_is_given_once(path: Path) -> None:
    with pytest.raises(SecretFault, match='there is a secret "default" already'):
        Secrets(path).add("default", now=0)


def test_a_name_that_is_not_there_is_told_with_those_that_are(path: Path) -> None:
    secrets = Secrets(path)
    for ask in (secrets.value_of, lambda name: secrets.remove(name, now=0)):
        with pytest.raises(SecretFault, match=r'there is no secret "x". There are: default\.'):
            ask("x")
    with pytest.raises(SecretFault, match='there is no secret "x"'):
        secrets.rotate(grace=0, now=0, name="x")


def test_there_are_at_most_16_and_one_can_always_be_rotated(path: Path) -> None:
    secrets = Secrets(path)
    for number in range(15):
        secrets.add(f"s{number}", now=0)
    with pytest.raises(SecretFault, match="there are 16 secrets"):
        secrets.add("one-more", now=0)
    with pytest.raises(SecretFault, match="there are 16 secrets"):
        secrets.rotate(grace=HOUR, now=0, name="s3")
    secrets.rotate(grace=0, now=0, name="s3")

    assert len(json.loads(path.read_text())["secrets"]) == 16


def test_a_file_that_was_put_there_for_all_to_read_is_taken_from_them(path: Path) -> None:
    path.write_text(json.dumps({"secrets": [VALID]}))
    path.chmod(0o644)
    Secrets(path)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_current_secret_is_the_first_of_the_file(path: Path) -> None:
    secrets = Secrets(path)
    secrets.add("grafana", now=0)
    secrets.rotate(grace=HOUR, now=0)
    items = json.loads(path.read_text())["secrets"]

    assert items[0]["value"] == secrets.current
    assert all(set(item) >= {"value", "until"} for item in items)


def test_a_clock_that_jumps_stores_nothing_and_opens_nothing_again_once_it_was_rotated(path: Path) -> None:
    secrets = Secrets(path)
    old = secrets.current
    secrets.rotate(grace=HOUR, now=10 * HOUR)
    content = path.read_text()

    # the clock was set back: the old secret is accepted until the clock reaches its end time
    assert accepts(secrets, old, now=0)
    assert not accepts(secrets, old, now=12 * HOUR)
    assert path.read_text() == content


SLIPS = {
    "a slash": ("/hook/{}/", "there is a slash at its end"),
    "two slashes": ("/hook/{}//", "there is a slash at its end"),
    "an encoded slash": ("/hook/{}%2F", "there is a slash at its end"),
    "a space": ("/hook/{}%20", "it is not written as trayalert gives it"),
    "a line break within": ("/hook/{:.20}%0A{rest}", "it is not written as trayalert gives it"),
    "a quote": ("/hook/{}%22", "it is not written as trayalert gives it"),
    "a bracket": ("/hook/<{}>", "it is not written as trayalert gives it"),
    "two letters too few": ("/hook/{short}", "it is not written as trayalert gives it"),
    "letters too many": ("/hook/{}xyz", "it is not written as trayalert gives it"),
    "capitals": ("/hook/{upper}", "it is not written as trayalert gives it"),
    "no hook": ("/{}", "it is not written as trayalert gives it"),
    "another hook": ("/Hook/{}", "it is not written as trayalert gives it"),
    "a slash before": ("//hook/{}", "it is not written as trayalert gives it"),
    "what a sender appends": ("/hook/{}/api/v2/alerts", "it is not written as trayalert gives it"),
    "in the query": ("/hook/?{}", "it is not written as trayalert gives it"),
    "in a field of the query": ("/hook?secret={}&a=b", "it is not written as trayalert gives it"),
    "a slash before the query": ("/hook/{}/?a=b", "there is a slash at its end"),
    "an encoded question mark": ("/hook/{}%3Fa=b", "it is not written as trayalert gives it"),
    "an encoded letter": ("/hook/%{code:02x}{rest1}", "it is not written as trayalert gives it"),
    "the absolute form": ("http://x.example.com/hook/{}", "it is not written as trayalert gives it"),
    "the whole URL twice": ("/hook/https://x.example.com/hook/{}", "it is not written as trayalert gives it"),
}


@pytest.mark.parametrize("what", SLIPS)
def test_a_mistyped_url_is_told_from_a_guess(path: Path, what: str) -> None:
    secrets = Secrets(path)
    secret = secrets.current
    form, explanation = SLIPS[what]
    parts = {"rest": secret[20:], "short": secret[:-2], "upper": secret.upper(), "rest1": secret[1:]}
    typed = form.format(secret, code=ord(secret[0]), **parts)

    assert secrets.explain_mistyped(typed.encode()) == explanation
    other = Secrets(path.with_name("other.json"))
    assert other.explain_mistyped(typed.encode()) is None


@pytest.mark.parametrize(
    "guess",
    ["/", "/hook/", "/favicon.ico", f"/hook/{'x' * 43}", "/hook/{:.20}", f"/hook/{'x' * 15_000}", "/%ff%00", "*"],
)
def test_a_guess_is_no_mistyped_url(path: Path, guess: str) -> None:
    secrets = Secrets(path)

    assert secrets.explain_mistyped(guess.format(secrets.current).encode()) is None


def test_an_old_secret_is_told_as_one(path: Path) -> None:
    secrets = Secrets(path)
    old = secrets.current
    secrets.rotate(grace=0, now=0)
    assert secrets.explain_mistyped(f"/hook/{old}".encode()) == "its secret was replaced or removed"

    late = secrets.current
    secrets.rotate(grace=HOUR, now=0)
    assert Secrets(path).check(late.encode(), now=HOUR) is None
    assert Secrets(path).explain_mistyped(f"/hook/{late}".encode()) == "its secret was replaced or removed"


def test_a_mistyped_secret_takes_as_many_comparisons_as_any_other_path(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger must not learn from the response time how close a guess is."""
    secrets = Secrets(path)
    secrets.add("second", now=0)
    compared: list[tuple[int, int]] = []
    compare = hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", count)
    traces = []
    for form in ("/hook/{}/", "/hook/{}", "/hook/{}xy/z"):
        for secret in (secrets.current, secrets.value_of("second"), "x" * 43):
            secrets.explain_mistyped(form.format(secret).encode())
        traces.append(compared.copy())
        compared.clear()

    for trace in traces:
        third = len(trace) // 3
        assert trace[:third] == trace[third : 2 * third] == trace[2 * third :]
