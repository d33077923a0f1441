"""Reads rules from Markdown, the form in which operators write them, and finds every fault with its line.

docs/operate/rules.md describes the form; the shipped version in this folder is an example. It checks one file alone:
`actions.py` compares it with the policy and with the versions before it.
"""

import re
from typing import ClassVar, NamedTuple

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.markdown_file import Fault, SectionCheck, hint, short, split_list
from folkmoot.moderation.rules.attributes import REPEATS_REMOVED
from folkmoot.moderation.rules.conditions import Faulty, read_condition
from folkmoot.moderation.rules.model import AS_REMOVED, MOST_RULES, About, Condition, Group, Measure, Quantifier, Rule, RuleSet
from folkmoot.moderation.rules.rule_lines import RuleLines, RuleSection

_MAX_TEXT, _MOST_CONDITIONS = 500, 50
_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_PROBABILITY = re.compile(r"(?=.*[1-9])(0?\.\d{1,4}|1(\.0{1,4})?)")
_MEASURES = {"label": Measure.LABEL, "limit": Measure.LIMIT, "hold": Measure.HOLD}


class RuleFile(NamedTuple):
    """The result. `rules` is None with faults. `lines`: the line of the version, and of the clause of each rule by its name."""

    rules: RuleSet | None
    faults: list[Fault]
    lines: dict[str, int]


def read_rules(text: str) -> RuleFile:
    """The rules of a file, or all faults in it."""
    return _Check(RuleLines().read(text)).finish()


class _Check(SectionCheck[RuleSection]):
    """Turns the sections of a file into rules, and notes what is missing or wrong in them."""

    max_title = 80
    examples: ClassVar = {"Clause": "spam", "Probability": "0.5"}

    def finish(self) -> RuleFile:
        version = self._version()
        rules = [self._rule(section) for section in self._lines.sections]
        self._check_unique("name", ((section.name, section.line) for section in self._lines.sections))
        if len(rules) > MOST_RULES:
            self._fault(self._lines.sections[MOST_RULES].line, f"a file has at most {MOST_RULES} rules.")
        lines = {section.name: section.fields.get("Clause", (section.line, ""))[0] for section in self._lines.sections}
        lines["Version"] = self._lines.header.fields.get("Version", (1, ""))[0]
        rule_set = None if self._faults else RuleSet(version, tuple(rule for rule in rules if rule))
        return RuleFile(rule_set, sorted(self._faults), lines)

    def _rule(self, section: RuleSection) -> Rule | None:
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

    def _about(self, section: RuleSection) -> About:
        line, value = section.fields.get("About", (section.line, About.POST))
        if value not in list(About):
            self._fault(line, f"a rule is about the post or the author, not “{short(value)}”.")
            return About.POST
        return About(value)

    def _probability(self, section: RuleSection) -> float:
        line, value = self._needed(section, "Probability")
        if value and not _PROBABILITY.fullmatch(value):
            self._fault(line, f"probability is a number above 0 and up to 1, such as 0.5, not “{short(value)}”. Write no comma.")
            return 0
        return float(value or 0)

    def _measures(self, section: RuleSection, about: About) -> tuple[Measure, ...]:
        line, value = section.fields.get("Measures", (section.line, ""))
        words = split_list(value)
        for word in words:
            if word not in _MEASURES:
                self._fault(line, f"“{short(word)}” is no measure. {hint(word, _MEASURES)}")
        if words and about is About.AUTHOR:
            self._fault(line, "a rule about the author has no measures: nothing happens to a person before people decide.")
        if "hold" in words and len(words) > 1:
            self._fault(line, "a post on hold is seen by nobody, so the other measures do nothing. Remove them.")
        return tuple(_MEASURES[word] for word in words if word in _MEASURES)

    def _groups(self, section: RuleSection) -> tuple[Group, ...]:
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

    def _check_words(self, section: RuleSection, code: str, name: str) -> None:
        words = section.words.get(code)
        if words is None:
            self._fault(section.line, f"the rule has no reason in {name}. Add “### {name}: ” with its title, and the reason below it.")
            return
        self._check_title(words, name)
        if not words.paragraphs or len("\n".join(words.paragraphs)) > _MAX_TEXT:
            self._fault(words.line, f"write below the title what the author is told, at most {_MAX_TEXT} characters.")


def _needs(groups: tuple[Group, ...], attribute: str) -> bool:
    return any(group.quantifier is Quantifier.ALL and Condition(attribute) in group.conditions for group in groups)
