"""Reads rules from Markdown, the form in which operators write them, and finds every fault with its line.

docs/operate/rules.md describes the form; the shipped version in this folder is an example. It checks one file alone:
`actions.py` compares it with the policy and with the versions before it.
"""

import re
from datetime import date
from typing import NamedTuple

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.policy_lines import Fault, meant, short
from folkmoot.moderation.rules.attributes import REPEATS_REMOVED
from folkmoot.moderation.rules.conditions import Faulty, read_condition
from folkmoot.moderation.rules.model import AS_REMOVED, MOST_RULES, About, Condition, Group, Measure, Quantifier, Rule, RuleSet
from folkmoot.moderation.rules.rule_lines import Reader, Section

MAX_BYTES = 512 * 1024
_MAX_TITLE, _MAX_TEXT, _MOST_CONDITIONS = 80, 500, 50
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[1-9]\d{0,2})?")
_PROBABILITY = re.compile(r"(?=.*[1-9])(0?\.\d{1,4}|1(\.0{1,4})?)")
_MEASURES = {"label": Measure.LABEL, "limit": Measure.LIMIT, "hold": Measure.HOLD}
_EXAMPLES = {"Clause": "spam", "Probability": "0.5"}


class RuleFile(NamedTuple):
    """The result. `rules` is None with faults. `lines`: the line of the version, and of the clause of each rule by its name."""

    rules: RuleSet | None
    faults: list[Fault]
    lines: dict[str, int]


def read_rules(text: str) -> RuleFile:
    """The rules of a file, or all faults in it."""
    reader = Reader()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        reader.read(number, line.strip())
    return _Check(reader).finish()


class _Check:
    """Turns the sections of a file into rules, and notes what is missing or wrong in them."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._faults = reader.faults

    def finish(self) -> RuleFile:
        version = self._version()
        rules = [self._rule(section) for section in self._reader.rules]
        seen: dict[str, int] = {}
        for section in self._reader.rules:
            if section.name in seen:
                self._fault(section.line, f"the name {section.name} belongs to the rule in line {seen[section.name]} already.")
            seen.setdefault(section.name, section.line)
        if len(rules) > MOST_RULES:
            self._fault(self._reader.rules[MOST_RULES].line, f"a file has at most {MOST_RULES} rules.")
        lines = {section.name: section.fields.get("Clause", (section.line, ""))[0] for section in self._reader.rules}
        lines["Version"] = self._reader.header.fields.get("Version", (1, ""))[0]
        rule_set = None if self._faults else RuleSet(version, tuple(rule for rule in rules if rule))
        return RuleFile(rule_set, sorted(self._faults), lines)

    def _version(self) -> str:
        line, value = self._reader.header.fields.get("Version", (1, ""))
        if not value:
            self._fault(line, "the version is missing. Write it at the top: Version: 2026-12-01")
        elif not _VERSION.fullmatch(value) or _date(value[:10]) is None:
            self._fault(line, f"the version is a date such as 2026-12-01 (a second one of that day: 2026-12-01.2), not “{short(value)}”.")
        return value

    def _rule(self, section: Section) -> Rule | None:
        before = len(self._faults)
        if not _NAME.fullmatch(section.name):
            self._fault(section.line, f"a name has at most 40 small letters, digits and hyphens, not “{short(section.name)}”.")
        about, clause = self._about(section), self._needed(section, "Clause")[1]
        probability, measures = self._probability(section), self._measures(section, about)
        valid_from, valid_until = self._day(section, "Valid from"), self._day(section, "Valid until")
        if valid_from and valid_until and valid_until < valid_from:
            self._fault(section.fields["Valid until"][0], "this day is before “Valid from”.")
        groups = self._groups(section)
        if clause == AS_REMOVED and (about is About.AUTHOR or not _needs(groups, REPEATS_REMOVED)):
            self._fault(section.line, f"“Clause: {AS_REMOVED}” needs “{REPEATS_REMOVED}” below “All of:”, in a rule about the post.")
        for code, name in LANGUAGES.items():
            self._check_words(section, code, name)
        if len(self._faults) > before:
            return None
        return Rule(
            name=section.name, about=about, clause=clause, probability=probability, measures=measures, groups=groups,
            title={code: section.words[code].title for code in LANGUAGES},
            text={code: "\n".join(section.words[code].paragraphs) for code in LANGUAGES}, valid_from=valid_from, valid_until=valid_until,
        )

    def _about(self, section: Section) -> About:
        line, value = section.fields.get("About", (section.line, About.POST))
        if value not in list(About):
            self._fault(line, f"a rule is about the post or the author, not “{short(value)}”.")
            return About.POST
        return About(value)

    def _probability(self, section: Section) -> float:
        line, value = self._needed(section, "Probability")
        if value and not _PROBABILITY.fullmatch(value):
            self._fault(line, f"probability is a number above 0 and up to 1, such as 0.5, not “{short(value)}”. Write no comma.")
            return 0
        return float(value or 0)

    def _measures(self, section: Section, about: About) -> tuple[Measure, ...]:
        line, value = section.fields.get("Measures", (section.line, ""))
        words = list(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
        for word in words:
            if word not in _MEASURES:
                near = meant(word, _MEASURES)
                self._fault(line, f"“{short(word)}” is no measure. {f'Did you mean “{near}”?' if near else 'Known: label, limit, hold.'}")
        if words and about is About.AUTHOR:
            self._fault(line, "a rule about the author has no measures: nothing happens to a person before people decide.")
        if "hold" in words and len(words) > 1:
            self._fault(line, "a post on hold is seen by nobody, so the other measures do nothing. Remove them.")
        return tuple(_MEASURES[word] for word in words if word in _MEASURES)

    def _groups(self, section: Section) -> tuple[Group, ...]:
        groups: list[Group] = []
        for line, quantifier, written in section.groups:
            conditions: list[Condition] = []
            for at, text in written:
                try:
                    conditions.append(read_condition(text))
                except Faulty as fault:
                    self._fault(at, str(fault))
            if not written:
                self._fault(line, "this group has no condition. Write each in a line that begins with “- ”.")
            groups.append(Group(quantifier, tuple(conditions)))
        if all(group.quantifier is Quantifier.NONE for group in groups):
            self._fault(section.line, "the rule would meet nearly every post. Write conditions below “All of:” or “Any of:”.")
        if sum(len(group.conditions) for group in groups) > _MOST_CONDITIONS:
            self._fault(section.line, f"a rule has at most {_MOST_CONDITIONS} conditions.")
        return tuple(groups)

    def _check_words(self, section: Section, code: str, name: str) -> None:
        words = section.words.get(code)
        if words is None:
            self._fault(section.line, f"the rule has no reason in {name}. Add “### {name}: ” with its title, and the reason below it.")
            return
        if not words.title or len(words.title) > _MAX_TITLE:
            self._fault(words.line, f"write a title of at most {_MAX_TITLE} characters after “### {name}: ”.")
        if not words.paragraphs or len("\n".join(words.paragraphs)) > _MAX_TEXT:
            self._fault(words.line, f"write below the title what the author is told, at most {_MAX_TEXT} characters.")

    def _day(self, section: Section, name: str) -> date | None:
        line, value = section.fields.get(name, (section.line, ""))
        day = _date(value)
        if value and day is None:
            self._fault(line, f"“{name}” is a date such as 2026-12-15, not “{short(value)}”.")
        return day

    def _needed(self, section: Section, name: str) -> tuple[int, str]:
        if not section.fields.get(name, (0, ""))[1]:
            self._fault(section.line, f"the rule lacks “{name}”. Write a line below its heading, such as “{name}: {_EXAMPLES[name]}”.")
        return section.fields.get(name, (section.line, ""))

    def _fault(self, line: int, text: str) -> None:
        self._faults.append(Fault(line, text))


def _needs(groups: tuple[Group, ...], attribute: str) -> bool:
    return any(group.quantifier is Quantifier.ALL and Condition(attribute) in group.conditions for group in groups)


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None
