"""Reads a policy from Markdown, the form in which operators write it, and finds every fault with its line.

A grammar of headings, `Name: value` lines and lists instead of TOML or YAML, because people edit it who do not program:
nothing is quoted or indented, and each fault can name its line. docs/moderate/policy.md describes the form; the shipped
versions in this folder are examples. It checks one file; `actions.py` compares it with the versions before it.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import ClassVar, NamedTuple

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.markdown_file import Fault, SectionCheck, Words, hint, short, split_list
from folkmoot.moderation.clauses.model import CATEGORIES, MAX_NUMBER, MEASURES, Clause, Family, Policy
from folkmoot.moderation.clauses.policy_lines import BREAKS, CHANGES, KEEPS, ClauseSection, PolicyLines

_MAX_TEXT, _MAX_HOURS = 4000, 24 * 90
_KEY = re.compile(r"[a-z][a-z0-9-]{0,29}")
_HOURS = re.compile(r"(\d{1,5}) (hours?|days?)")


class PolicyFile(NamedTuple):
    """The result. `policy` is None with faults. `in_force_from` None: at once."""

    policy: Policy | None
    in_force_from: date | None
    faults: list[Fault]
    lines: dict[str, int]  # the line of each clause, by key, and of the header fields by name


def read_policy(text: str) -> PolicyFile:
    """The policy of a file, or all faults in it."""
    lines = PolicyLines().read(text)
    return _Check(lines).finish(lines.changes)


class _Check(SectionCheck[ClauseSection]):
    """Turns the sections of a file into a policy, and notes what is missing or wrong in them."""

    max_title = 120
    examples: ClassVar = {
        "Severity": "0.5", "Decide within": "72 hours", "Usual measures": "remove", "Reported as": "harassment",
        "DSA category": "CYBER_VIOLENCE",
    }

    def finish(self, changes: Mapping[str, Words]) -> PolicyFile:
        version = self._version()
        from_day = self._day(self._lines.header, "In force from")
        clauses = [self._clause(section) for section in self._lines.sections]
        if not clauses:
            self._fault(1, "there is no rule. A rule begins with a line such as “## 1. identity”.")
        self._check_unique("number", ((section.number, section.line) for section in self._lines.sections))
        self._check_unique("key", ((section.key, section.line) for section in self._lines.sections))
        self._check_families([clause for clause in clauses if clause])
        texts = {language: "\n".join(words.paragraphs) for language, words in changes.items() if words.paragraphs}
        if texts and (missing := [name for code, name in LANGUAGES.items() if code not in texts]):
            self._fault(next(iter(changes.values())).line, f"“{CHANGES}” lacks a text in {' and '.join(missing)}.")
        lines = {section.key: section.line for section in self._lines.sections} | {
            name: line for name, (line, _) in self._lines.header.fields.items()
        }
        policy = None if self._faults else Policy(version, tuple(clause for clause in clauses if clause), texts)
        return PolicyFile(policy, from_day, sorted(self._faults), lines)

    def _clause(self, section: ClauseSection) -> Clause | None:
        before = len(self._faults)
        if section.key and not _KEY.fullmatch(section.key):
            self._fault(section.line, f"a key has at most 30 small letters, digits and hyphens, not “{short(section.key)}”.")
        if section.key and not 1 <= section.number <= MAX_NUMBER:
            self._fault(section.line, f"rules have numbers from 1 to {MAX_NUMBER}.")
        severity, hours = self._severity(section), self._hours(section)
        usual = self._choices(section, "Usual measures", MEASURES)
        families = self._choices(section, "Reported as", [*Family])
        category = self._choices(section, "DSA category", CATEGORIES)
        if len(category) != 1 and "DSA category" in section.fields:
            self._fault(section.fields["DSA category"][0], "a rule has exactly one DSA category.")
        for code, name in LANGUAGES.items():
            self._check_words(section, code, name)
        if len(self._faults) > before or not section.key:
            return None
        words = section.words
        return Clause(
            number=section.number, key=section.key, severity=severity, hours=hours, category=f"STATEMENT_CATEGORY_{category[0]}",
            title={code: words[code].title for code in LANGUAGES}, text={code: "\n".join(words[code].paragraphs) for code in LANGUAGES},
            breaks={code: words[code].lists["breaks"] for code in LANGUAGES},
            keeps={code: words[code].lists["keeps"] for code in LANGUAGES},
            usual=usual, families=tuple(Family(name) for name in families),
        )

    def _severity(self, section: ClauseSection) -> float:
        line, value = self._needed(section, "Severity")
        try:
            severity = float(value or "nan")
        except ValueError:
            severity = -1
        if value and not 0 < severity <= 1:
            self._fault(line, f"severity is a number above 0 and up to 1, such as 0.5, not “{short(value)}”. Write a point, not a comma.")
        return severity

    def _hours(self, section: ClauseSection) -> int:
        line, value = self._needed(section, "Decide within")
        found = _HOURS.fullmatch(value)
        hours = int(found[1]) * (24 if found[2].startswith("day") else 1) if found else 0
        if value and not 1 <= hours <= _MAX_HOURS:
            self._fault(line, f"the time to decide is such as “24 hours” or “7 days”, at most 90 days, not “{short(value)}”.")
        return hours

    def _choices(self, section: ClauseSection, name: str, known: Iterable[str]) -> tuple[str, ...]:
        line, value = self._needed(section, name)
        chosen = split_list(value)
        for one in chosen:
            if one not in known:
                self._fault(line, f"“{short(one)}” is not known for “{name}”. {hint(one, known)}")
        return chosen

    def _check_words(self, section: ClauseSection, code: str, name: str) -> None:
        words = section.words.get(code)
        if words is None:
            self._fault(section.line, f"the rule has no text in {name}. Add “### {name}: ” with its title, and the text below it.")
            return
        self._check_title(words, name)
        if not words.paragraphs or len("\n".join(words.paragraphs)) > _MAX_TEXT:
            self._fault(words.line, f"write the text of the rule below its title, at most {_MAX_TEXT} characters.")
        for kind, headings in (("breaks", BREAKS), ("keeps", KEEPS)):
            if not words.lists.get(kind):
                heading = next(heading for heading, of in headings.items() if of == code)
                self._fault(words.line, f"give at least one example: a line “{heading}:”, and below it lines that begin with “- ”.")

    def _check_families(self, clauses: list[Clause]) -> None:
        """Every reason that members can choose must lead to a rule; threats also need one, because the detector looks for them."""
        missing = [family for family in Family if not any(family in clause.families for clause in clauses)]
        if missing and len(clauses) == len(self._lines.sections):
            self._fault(1, f"no rule is “Reported as” {', '.join(missing)}. Add each to the rule that it fits best.")
