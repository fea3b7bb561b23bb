"""Console links that the admin has defined: the `[console_links]` table of the settings.

If an entry is wrong, the built-in page stays in use. This module checks the templates when the settings are read. After
a template has been filled for an alert, `console_link.is_allowed` also checks the resulting link.
"""

import re
from collections.abc import Mapping

from trayalert.domain.incident.console_link import CHART, HOSTS, NAMESPACE, PLACEHOLDER, PLACEHOLDERS, RULES, is_allowed
from trayalert.domain.incident.resource import normalise_namespace
from trayalert.domain.phrase import N_, Phrase, PhraseList
from trayalert.domain.settings.setting_value import placeholder_problem
from trayalert.domain.text import as_written

LONGEST_TEMPLATE = 1_000
_EXAMPLE = '"acs_ecs" = "https://ecs.console.aliyun.com/server/{id}/detail?regionId={region}"'
_WRONG_TABLE = N_(
    "console_links = {value}: must be a table with lines such as {example}; what is built in stays in use."
)
_WRONG_ENTRY = N_("console_links.{name} = {value}: {wrong}; what is built in stays in use.")


def read_console_links(value: object) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Read the `[console_links]` table. Return the valid templates, and a sentence for each problem.

    The key of a template is `chart`, `rules`, or a namespace in the spelling of callbacks.
    """
    if not isinstance(value, dict):
        return {}, (Phrase(_WRONG_TABLE, value=as_written(value), example=_EXAMPLE),)
    templates: dict[str, str] = {}
    problems: list[str] = []
    for name, template in value.items():
        namespace = normalise_namespace(name) or ""
        wrong = template_problem(namespace, template)
        if wrong is None:
            templates[namespace] = template
        else:
            written = as_written(name, bare=True)
            problems.append(Phrase(_WRONG_ENTRY, name=written, value=as_written(template), wrong=wrong))
    return templates, tuple(problems)


def template_problem(name: str, template: object) -> str | None:
    """Return a clause that says what is wrong with a template, or None if the template is valid.

    `name` is the key of the template: a namespace, `chart` or `rules`.
    """
    if not NAMESPACE.fullmatch(name):
        return Phrase('the name must be a callback namespace such as acs_ecs, or "chart", or "rules"')
    if not isinstance(template, str):
        return Phrase("must be a text")
    if len(template) > LONGEST_TEMPLATE:
        return Phrase("must have at most {longest} characters", longest=LONGEST_TEMPLATE)
    if not template.isascii() or not template.isprintable() or " " in template or "\\" in template:
        return Phrase("must hold no blank, backslash, control character or letter beyond ASCII")
    return _address_problem(template) or placeholder_problem(template, PLACEHOLDERS) or _content_problem(name, template)


def _address_problem(template: str) -> str | None:
    if not template.startswith("https://"):
        return Phrase("must begin with https://")
    host = re.split(r"[/?#]", template.removeprefix("https://"), maxsplit=1)[0]
    if "{" in host or "}" in host:
        return Phrase("must have no placeholder in its host")
    if "@" in host:
        return Phrase("must name no user before its host")
    if ":" in host:
        return Phrase("must name no port")
    if not is_allowed(f"https://{host}/"):
        return Phrase("must lead to a host that ends in {hosts}", hosts=PhraseList(HOSTS, separator=N_(" or ")))
    return None


def _content_problem(name: str, template: str) -> str | None:
    if set(PLACEHOLDER.sub("", template)) & {"{", "}"}:
        return Phrase("has a brace with no partner, or no name in its braces")
    if name not in {CHART, RULES} and "{id}" not in template:
        return Phrase("must hold {id}, or it is no page of a resource")
    return None if is_allowed(PLACEHOLDER.sub("x", template)) else Phrase("is no address that may be opened")
