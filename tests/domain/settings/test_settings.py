import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from trayalert.domain.incident.console_link import Site
from trayalert.domain.phrase import Phrase
from trayalert.domain.settings.settings import LANGUAGES, Settings, parse_settings

DEFAULTS = Settings()


def values(text: str) -> Settings:
    settings, problems = parse_settings(text)
    assert problems == ()
    return settings


def problem(text: str) -> str:
    """Return the only problem of a settings file, and check that all settings keep their defaults."""
    settings, problems = parse_settings(text)
    assert settings == DEFAULTS
    (sentence,) = problems
    return sentence


def test_an_empty_file_is_the_defaults() -> None:
    assert values("") == values("# nothing\n\n") == DEFAULTS
    assert (DEFAULTS.host, DEFAULTS.port, DEFAULTS.site, DEFAULTS.public_url) == ("127.0.0.1", 8765, Site.CHINA, None)


def test_every_setting_is_read() -> None:
    settings = values(
        """
        host = "::1"
        port = 0
        public_url = "https://alerts.example.com:8443/in/"
        site = "international"
        default_region = "cn-hangzhou"
        language = "zh"
        unconfirmed_after_hours = 12.5
        """
    )

    assert settings == Settings(
        host="::1",
        port=0,
        public_url="https://alerts.example.com:8443/in",
        site=Site.INTERNATIONAL,
        default_region="cn-hangzhou",
        language="zh",
        unconfirmed_after_hours=12.5,
    )


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("port = 65535", "port", 65535), ("port = 0x22_3D", "port", 8765), ('site = "china"', "site", Site.CHINA),
        ('host = "0.0.0.0"', "host", "0.0.0.0"), ('host = "fe80::1%eth0"', "host", "fe80::1%eth0"),
        ('public_url = ""', "public_url", None), ('public_url = "http://a/"', "public_url", "http://a"),
        ('public_url = "https://[2001:db8::1]:80"', "public_url", "https://[2001:db8::1]:80"),
        ('allowed_hosts = ["A.example", "::1", "[::1]:80"]', "allowed_hosts", ("a.example", "[::1]", "[::1]:80")),
        ('trusted_proxies = ["::ffff:127.0.0.1"]', "trusted_proxies", ("127.0.0.1/32",)),
        ('trusted_proxies = ["::ffff:10.0.0.0/104"]', "trusted_proxies", ("10.0.0.0/8",)),
        ('default_region = ""', "default_region", None), ('default_region = "us-1"', "default_region", "us-1"),
        ('default_region = "cn-shanghai-finance-1"', "default_region", "cn-shanghai-finance-1"),
        ("unconfirmed_after_hours = 1", "unconfirmed_after_hours", 1.0), ('language = "auto"', "language", "auto"),
    ],
)  # fmt: skip
def test_a_good_value_is_taken(text: str, name: str, value: object) -> None:
    assert getattr(values(text), name) == value


@pytest.mark.parametrize(
    "text",
    [
        'host = ""', "host = 1", 'host = "a b"', 'host = "a\\nb"', 'host = "http://a"', 'host = ["127.0.0.1"]',
        'host = "%s"' % ("a" * 256), 'host = "主机"',
        "port = -1", "port = 65536", 'port = "8765"', "port = 8765.0", "port = true", "port = false", "port = [1]",
        "port = 1979-05-27", "port = 99999999999999999999999999", f"port = -{'9' * 4000}", f"port = 0x{'f' * 5000}",
        "port = { a = 1 }", "port = nan",
        "public_url = 1", 'public_url = "alerts.example.com"', 'public_url = "ftp://a"', 'public_url = "https://"',
        'public_url = "https://a?b=c"', 'public_url = "https://a#b"', 'public_url = "https://u:p@a"',
        'public_url = "https://a:0"', 'public_url = "https://a:99999"', 'public_url = "https://[::1"',
        'public_url = "https://a/hook/secret"', 'public_url = "https://a b"', 'public_url = "https://a\\tb"',
        'public_url = "https://ä.example"', 'public_url = "javascript:alert(1)"', "public_url = false",
        'site = "intl"', "site = 1", "site = []", "site = {}", 'site = ""', 'site = "China"',
        'default_region = "CN"', 'default_region = "hangzhou"', 'default_region = "cn-hangzhou/.."',
        "default_region = 1", 'default_region = "null"',
        'language = "de"', "language = 1", "language = []", "language = true",
        "unconfirmed_after_hours = 0", "unconfirmed_after_hours = -1", "unconfirmed_after_hours = true",
        "unconfirmed_after_hours = nan", "unconfirmed_after_hours = inf", 'unconfirmed_after_hours = "25"',
        "unconfirmed_after_hours = 100000", f"unconfirmed_after_hours = 0x{'f' * 5000}",
    ],
)  # fmt: skip
def test_a_wrong_value_leaves_the_default_and_is_told(text: str) -> None:
    sentence = problem(text)
    name = text.partition(" ")[0]

    assert sentence.startswith(f"{name} = ")
    assert "must be" in sentence
    assert sentence.endswith(".")
    default = getattr(DEFAULTS, name)
    assert ("taken as not set" if default is None else f"{default} holds instead") in sentence
    assert len(sentence) < 300


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("prot", "port"), ("Port", "port"), ("hots", "host"), ("public-url", "public_url"),
        ("publicurl", "public_url"),
        ("region", "default_region"), ("default_regoin", "default_region"), ("lang", "language"),
        ("languages", "language"), ("xyz", None), ('""', None), ('"a b"', None), (f'"{"x" * 5000}"', None),
        ("server.port", None),
    ],
)  # fmt: skip
def test_an_unknown_name_is_told_with_what_may_be_meant(name: str, meant: str | None) -> None:
    sentence = problem(f"{name} = 1")

    assert "is no setting" in sentence
    assert (f"is {meant} meant?" in sentence) if meant else ("meant" not in sentence)
    assert len(sentence) < 200


def test_every_problem_is_told_at_once_and_the_good_values_hold() -> None:
    settings, problems = parse_settings(
        """
        host = 1
        prot = 8765
        port = true
        site = "international"
        language = "de"
        [server]
        port = 1
        """
    )

    assert settings == Settings(site=Site.INTERNATIONAL)
    assert [sentence.split()[0] for sentence in problems] == ["host", '"prot"', "port", "language", '"server"']
    assert all(isinstance(sentence, Phrase) for sentence in problems)


@pytest.mark.parametrize(
    "text",
    [
        "port", "port = ", "port = 1\nport = 2", "port: 1", "[", "port = 08765", 'host = "a', "\x00",
        "port = 1979-13-45", f"port = {'9' * 5000}", f"port = -{'9' * 5000}", "x = " + "[" * 20_000, "\ud800 = 1",
        "{}", '{"port": 1}',
    ],
)  # fmt: skip
def test_what_is_no_toml_is_told_and_nothing_of_it_is_used(text: str) -> None:
    sentence = problem('site = "international"\n' + text)

    assert sentence.startswith("it is not TOML: ")
    assert sentence.endswith("the defaults hold.")


def test_problems_are_one_line_each_whatever_was_typed() -> None:
    _, problems = parse_settings('host = "a\\nb\\u001b[31m"\n"x\\ny" = 1\nsite = """a\nb"""')

    assert len(problems) == 3
    assert all(sentence.isprintable() for sentence in problems)


names = st.sampled_from([*Settings.__annotations__, "prot", '"a b"'])
tokens = st.sampled_from(
    ["1", "-1", "1.5", "nan", "inf", "true", '""', '"china"', '"a"', "[]", "[1, 2]", "{ a = 1 }", "1979-05-27",
     "07:32:00", "[", "=", "\n", f"0x{'f' * 4000}"]
)  # fmt: skip


@given(lines=st.lists(st.tuples(names, tokens | st.text(max_size=10))))
@example(lines=[("port", "9" * 5000)])
def test_any_text_gives_settings_and_sentences(lines: list[tuple[str, str]]) -> None:
    settings, problems = parse_settings("\n".join(f"{name} = {token}" for name, token in lines))

    assert 0 <= settings.port <= 65535
    assert type(settings.port) is int
    assert settings.language in LANGUAGES
    assert isinstance(settings.site, Site)
    assert settings.unconfirmed_after_hours > 0
    assert all(sentence.isprintable() and sentence.endswith((".", "?")) for sentence in problems)
