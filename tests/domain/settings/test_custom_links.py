"""The admin's own console pages: which are accepted, and the sentence for each mistake."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domain.incident.test_console_link import alert
from tests.soak.harness.judges import link_is_safe
from trayalert.domain.incident.console_link import PLACEHOLDERS, console_links
from trayalert.domain.settings.custom_links import template_problem
from trayalert.domain.settings.settings import Settings, parse_settings
from trayalert.services.presentation.link_table import link_table

GOOD = "https://ecs.console.aliyun.com/server/{id}"


def problem(line: str) -> str:
    """Return the only problem of a table with this line. Check that the built-in pages stay in use."""
    settings, problems = parse_settings(f"[console_links]\n{line}\n")
    assert settings == Settings()
    (sentence,) = problems
    assert sentence.endswith("; what is built in stays in use.")
    assert sentence.isprintable()
    assert len(sentence) < 400
    return sentence


def test_templates_are_taken_by_the_callbacks_namespace() -> None:
    settings, problems = parse_settings(
        f"""
        [console_links]
        acs_ecs_dashboard = "{GOOD}"
        "waf" = "https://waf.console.alibabacloud.com/{{id}}?r={{regionId}}&a={{account}}#/{{metric}}"
        chart = "https://cms.console.aliyun.com/{{namespace}}/{{category}}?{{dimension}}"
        rules = "https://cms.console.aliyun.com/rules"
        """
    )
    assert problems == ()
    assert list(settings.console_links) == ["acs_ecs", "waf", "chart", "rules"]
    assert settings.console_links["acs_ecs"] == GOOD


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("acs_ecs = 1", "console_links.acs_ecs = 1: must be a text"),
        ("acs_ecs = ['a']", "must be a text"),
        ('acs_ecs = ""', "must begin with https://"),
        ('acs_ecs = "http://ecs.console.aliyun.com/{id}"', "must begin with https://"),
        ('acs_ecs = "javascript:alert({id})"', "must begin with https://"),
        ('acs_ecs = "https://evil.example/{id}"', "a host that ends in .console.aliyun.com or"),
        ('acs_ecs = "https://ecs.console.aliyun.com.evil.example/{id}"', "a host that ends in"),
        ('acs_ecs = "https:///{id}"', "a host that ends in"),
        ('acs_ecs = "https://ECS.console.aliyun.com/{id}"', "a host that ends in"),
        ('acs_ecs = "https://{region}.console.aliyun.com/{id}"', "no placeholder in its host"),
        ('acs_ecs = "https://{id}"', "no placeholder in its host"),
        ('acs_ecs = "https://a@ecs.console.aliyun.com/{id}"', "must name no user"),
        ('acs_ecs = "https://ecs.console.aliyun.com:443/{id}"', "must name no port"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{idd}"', "{idd} is no placeholder (is {id} meant?)"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id}/{RegionID}"', "(is {regionId} meant?)"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id}/{xyz}"', "(there are {id}, {region}, "),
        ('acs_ecs = "https://ecs.console.aliyun.com/{region}"', "must hold {id}"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id"', "a brace with no partner"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id}}"', "a brace with no partner"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{}{id}"', "no name in its braces"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id}\\u0000"', "control character"),
        ('acs_ecs = "https://ecs.console.aliyun.com/{id}\\n"', "control character"),
        ('acs_ecs = "https://ecs.console.aliyun.com/ {id}"', "no blank"),
        ('acs_ecs = "https://ecs.console.aliyun.com/店/{id}"', "beyond ASCII"),
        ('acs_ecs = "https://ecs.console.aliyun.com\\\\@evil/{id}"', "backslash"),
        (f'acs_ecs = "{GOOD}{"x" * 2000}"', "at most 1000 characters"),
        (f'"a b" = "{GOOD}"', "the name must be a callback namespace"),
        (f'"" = "{GOOD}"', "the name must be a callback namespace"),
        (f'"x\\u202ey" = "{GOOD}"', "the name must be a callback namespace"),
    ],
)
def test_a_wrong_template_is_told_with_its_problem(line: str, words: str) -> None:
    assert words in problem(line)


@pytest.mark.parametrize("value", ["1", '"x"', "[]", "true"])
def test_what_is_no_table_is_told(value: str) -> None:
    for name in ("console_links", "commands"):
        settings, (sentence,) = parse_settings(f"{name} = {value}")
        assert settings == Settings()
        assert sentence.startswith(f"{name} = ")
        assert "must be a table" in sentence


def test_the_good_lines_hold_beside_a_wrong_one() -> None:
    settings, problems = parse_settings(f'[console_links]\nacs_rds = "x"\nacs_ecs = "{GOOD}"')
    assert list(settings.console_links) == ["acs_ecs"]
    assert len(problems) == 1


@given(
    template=st.lists(
        st.sampled_from(
            [GOOD, "https://", "ecs.console.aliyun.com", "/", "..", "?", "#", "@", ":", ".", "{", "}", "evil.example"]
        )
        | st.sampled_from([f"{{{name}}}" for name in PLACEHOLDERS])
        | st.text(max_size=3),
        max_size=8,
    ).map("".join),
    number=st.sampled_from(["..", "/", "a/../b", "i-1", "@evil.example", ":80", "\\", "x\n"]),
)
def test_a_template_that_is_taken_leads_to_the_console_whatever_fills_it(template: str, number: str) -> None:
    if template_problem("acs_x", template) is not None or ".." in template.replace("{id}", "") or "/." in template:
        return
    table = link_table(Settings(console_links={"acs_x": template}))
    for link in console_links(alert("acs_x", number, {"k": number}), table):
        assert link_is_safe(link.url) or not link_is_safe(template.replace("{", "").replace("}", ""))
