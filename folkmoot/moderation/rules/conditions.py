"""The conditions of a rule: reading one from its line, and deciding whether a post meets it."""

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from folkmoot.base.languages import language_of
from folkmoot.moderation.clauses.markdown_file import meant, short, split_list
from folkmoot.moderation.rules.attributes import ATTRIBUTES, Attribute, Kind
from folkmoot.moderation.rules.model import Condition, Facts
from folkmoot.moderation.rules.phrases import fault_of_phrase

_CONDITION = re.compile(r"(?P<name>[^<>=:]+?)\s*(?:(?P<sign><=|>=|<|>|=|:)\s*(?P<value>.*))?")
_TIME = re.compile(r"(\d{1,5}) (minute|hour|day)s?")
_SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
_SIGNS: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq,
}
_MOST_PHRASES = 2000


class Faulty(ValueError):
    """The condition cannot be read; the text says why and what to write."""


def read_condition(line: str) -> Condition:
    """Raises Faulty."""
    found = _CONDITION.fullmatch(line.strip())
    name = found["name"].casefold() if found else line
    attribute = ATTRIBUTES.get(name)
    if found is None or attribute is None:
        near = meant(name, ATTRIBUTES)
        hint = f"Did you mean “{near}”?" if near else "See the list with: moot rules attributes"
        raise Faulty(f"“{short(name)}” is not known as a condition. {hint}")
    return _READERS[attribute.kind](name, attribute, found["sign"] or "", (found["value"] or "").strip())


def _read_number(name: str, attribute: Attribute, sign: str, value: str) -> Condition:
    if sign not in _SIGNS or not re.fullmatch(r"\d{1,9}", value):
        raise Faulty(f"write “{name}” with a sign and a whole number, such as “{name} >= 3”.")
    if int(value) > attribute.most:
        raise Faulty(f"“{name}” is counted up to {attribute.most}. Write a smaller number.")
    return Condition(name, sign, int(value))


def _read_time(name: str, _attribute: Attribute, sign: str, value: str) -> Condition:
    time = _TIME.fullmatch(value)
    if sign not in ("<", "<=", ">", ">=") or time is None:
        raise Faulty(f"write “{name}” with a sign and a time, such as “{name} < 3 days” (minutes, hours, days).")
    return Condition(name, sign, int(time[1]) * _SECONDS[time[2]])


def _read_flag(name: str, _attribute: Attribute, sign: str, value: str) -> Condition:
    if sign or value:
        raise Faulty(f"write “{name}” alone. For the opposite put it below “None of:”.")
    return Condition(name)


def _read_choice(name: str, attribute: Attribute, sign: str, value: str) -> Condition:
    choices = split_list(value)
    if sign != "=" or not choices:
        raise Faulty(f"write “{name} = ” with one or more words between commas ({attribute.about}).")
    for choice in choices:
        if choice not in attribute.choices if attribute.choices else not language_of(choice):
            raise Faulty(f"“{short(choice)}” is not known for “{name}” ({attribute.about}).")
    return Condition(name, choices=choices if attribute.choices else tuple(language_of(choice) or "" for choice in choices))


def _read_phrases(name: str, _attribute: Attribute, sign: str, value: str) -> Condition:
    phrases = split_list(value)
    if sign not in (":", "=") or not phrases:
        raise Faulty(f"write the words or phrases between commas, such as “{name}: free money, půjčk* ihned”.")
    if len(phrases) > _MOST_PHRASES:
        raise Faulty(f"this line has more than {_MOST_PHRASES} phrases.")
    for phrase in phrases:
        if fault := fault_of_phrase(phrase):
            raise Faulty(f"“{short(phrase)}” {fault}.")
    return Condition(name, choices=phrases)


_READERS = {
    Kind.NUMBER: _read_number, Kind.TIME: _read_time, Kind.FLAG: _read_flag, Kind.CHOICE: _read_choice, Kind.PHRASES: _read_phrases,
}


def holds(condition: Condition, facts: Facts, said: Mapping[Any, str]) -> bool:
    """`said`: the phrase that was found, by condition."""
    kind = ATTRIBUTES[condition.attribute].kind
    if kind is Kind.PHRASES:
        return condition in said
    value = facts[condition.attribute]
    if kind is Kind.FLAG:
        return bool(value)
    if kind is Kind.CHOICE:
        return value in condition.choices
    return _SIGNS[condition.sign](value, condition.number)


def reason_of(condition: Condition, facts: Facts, said: Mapping[Any, str]) -> str:
    """What was found, as `attribute=value`; stored with the signal, and put into words by the page of the case."""
    if condition in said:
        return f"{condition.attribute}={said[condition]}"
    value = facts[condition.attribute]
    return condition.attribute if value is True else f"{condition.attribute}={value}"


def written(condition: Condition) -> str:
    """The condition as it stands in a file."""
    kind = ATTRIBUTES[condition.attribute].kind
    if kind is Kind.PHRASES:
        return f"{condition.attribute}: {', '.join(condition.choices)}"
    if kind is Kind.CHOICE:
        return f"{condition.attribute} = {', '.join(condition.choices)}"
    if kind is Kind.FLAG:
        return condition.attribute
    number = int(condition.number)
    if kind is Kind.TIME:
        unit, seconds = next((unit, seconds) for unit, seconds in reversed(_SECONDS.items()) if number % seconds == 0)
        return f"{condition.attribute} {condition.sign} {number // seconds} {unit}s"
    return f"{condition.attribute} {condition.sign} {number}"
