"""Formats the condition of a rule for the user, such as `Average ≥ 95 %`.

A condition that cannot be parsed is shown as it was sent. A condition has one of three forms:

- A single condition such as `$Average>=95`. Since 2023, a single condition may contain spaces.
- A JSON list of single conditions, each with a repeat count `times`. This is the form of 2018.
- A composite rule such as `@cpu_total[60].$Average>80&&@load_1m[60].$Maximum>4`. The number in brackets is the period
  in seconds.
"""

import json
import re
from typing import Any

from trayalert.domain.phrase import N_
from trayalert.domain.text import printable
from trayalert.domain.wording.language import Language, localised_duration
from trayalert.domain.wording.quantity import quantity_text

_LONGEST = 2_000
"""Maximum length of a condition that is parsed, in characters. Conditions that people write are shorter."""
_TOKEN = re.compile(
    r"\s*(?:(?P<join>&&|\|\|)|(?P<bracket>[()])|"
    r"(?:@(?P<metric>[\w.-]{1,100})(?:\[(?P<period>[0-9]{1,7})\])?\.)?"
    r"\$(?P<statistic>[A-Za-z_][\w.]{0,60}?)\s*(?P<sign>>=|<=|!=|==|=|>|<)\s*"
    r"(?P<number>[+-]?[0-9]{1,20}(?:\.[0-9]{1,20})?(?:[eE][+-]?[0-9]{1,3})?)\s*(?P<percent>%?))\s*",
    re.ASCII,
)
_SIGNS = {">=": "≥", "<=": "≤", "!=": "≠", "==": "="}
_JOINS = {"&&": N_("and"), "||": N_("or")}
_STATISTICS = (N_("Average"), N_("Maximum"), N_("Minimum"), N_("Value"), N_("Sum"))


def condition_text(expression: str | None, unit: str | None, language: Language) -> str:
    """Format a condition for the user.

    `unit` is the unit of the alert's own metric. The condition may also name other metrics, whose units are unknown. A
    threshold of another metric is shown without a unit, or with `%` if the condition contains a `%` after the
    threshold.
    """
    sent = (expression or "").strip()
    if len(sent) > _LONGEST:
        return printable(sent)
    return printable(_read_list(sent, unit, language) or _read_composite(sent, unit, language) or sent)


def _read_list(sent: str, unit: str | None, language: Language) -> str | None:
    """Format a condition that is a JSON list (the form of 2018). Return None if the text is not such a list."""
    if not sent.startswith("["):
        return None
    try:
        parts = json.loads(sent)
    except (ValueError, RecursionError):
        return None
    found = [_repeated_condition(part, unit, language) for part in parts if isinstance(part, dict)]
    return language.say("; ").join(text for text in found if text) if all(found) else None


def _repeated_condition(part: dict[str, Any], unit: str | None, language: Language) -> str | None:
    condition, times = part.get("expression"), part.get("times")
    text = _read_composite(condition, unit, language) if isinstance(condition, str) else None
    if text and isinstance(times, int) and 1 < times < 10_000:
        text += language.say(", ") + language.say("{count} times", count=times)
    return text


def _read_composite(sent: str, unit: str | None, language: Language) -> str | None:
    """Format a single condition, or several conditions that are joined by `&&` or `||`.

    Return None if the text contains anything else.
    """
    text, place, expects_condition = "", 0, True
    while place < len(sent):
        token = _TOKEN.match(sent, place)
        if token is None:
            return None
        place = token.end()
        if token["join"]:
            if expects_condition:
                return None
            text, expects_condition = f"{text} {language.say(_JOINS[token['join']])} ", True
        elif token["bracket"]:
            text += token["bracket"]
        elif expects_condition:
            text, expects_condition = text + _single_condition(token, unit, language), False
        else:
            return None
    return None if expects_condition else text


def _single_condition(token: re.Match[str], unit: str | None, language: Language) -> str:
    words = [_statistic(token["statistic"], language)]
    if token["metric"]:
        words.insert(0, token["metric"])
    if token["period"]:
        words.append(f"({localised_duration(int(token['period']) * 1000, language)})")
    number = token["number"]
    number_unit = token["percent"] or (None if token["metric"] else unit)
    bound = quantity_text(float(number), number, number_unit, language, exact=True)
    return " ".join((*words, _SIGNS.get(token["sign"], token["sign"]), bound))


def _statistic(name: str, language: Language) -> str:
    """Format the name of a statistic. `ErrorCodeMaximum` becomes `ErrorCode Maximum`."""
    for statistic in _STATISTICS:
        if name.endswith(statistic):
            return " ".join(filter(None, (name.removesuffix(statistic), language.say(statistic))))
    return name
