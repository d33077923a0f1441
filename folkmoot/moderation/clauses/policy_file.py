"""Reads a policy from Markdown, the form in which operators write it, and finds every fault with its line.

A grammar of headings, `Name: value` lines and lists instead of TOML or YAML, because people edit it who do not program:
nothing is quoted or indented, and each fault can name its line. docs/moderate/policy.md describes the form; the shipped
versions in this folder are examples. It checks one file; `actions.py` compares it with the versions before it.
"""

import re
from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.model import CATEGORIES, MAX_NUMBER, MEASURES, Clause, Family, Policy
from folkmoot.moderation.clauses.policy_lines import BREAKS, CHANGES, KEEPS, Fault, Reader, Section, meant, short

MAX_BYTES = 512 * 1024
_MAX_TITLE, _MAX_TEXT, _MAX_HOURS = 120, 4000, 24 * 90
_KEY = re.compile(r"[a-z][a-z0-9-]{0,29}")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[1-9]\d{0,2})?")
_HOURS = re.compile(r"(\d{1,5}) (hours?|days?)")


class PolicyFile(NamedTuple):
    """The result. `policy` is None with faults. `in_force_from` None: at once."""

    policy: Policy | None
    in_force_from: date | None
    faults: list[Fault]
    lines: dict[str, int]  # the line of each clause, by key, and of the header fields by name


def read_policy(text: str) -> PolicyFile:
    """The policy of a file, or all faults in it."""
    reader = Reader()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
        reader.read(number, line.strip())
    return _Check(reader).finish()


class _Check:
    """Turns the sections of a file into a policy, and notes what is missing or wrong in them."""

    def __init__(self, lines: Reader) -> None:
        self._lines = lines

    def finish(self) -> PolicyFile:
        version = self._version()
        from_day = self._day()
        clauses = [self._clause(section) for section in self._lines.clauses]
        if not clauses:
            self._fault(1, "there is no rule. A rule begins with a line such as “## 1. identity”.")
        self._check_unique()
        self._check_families([clause for clause in clauses if clause])
        changes = {language: "\n".join(words.paragraphs) for language, words in self._lines.changes.items() if words.paragraphs}
        if changes and (missing := [name for code, name in LANGUAGES.items() if code not in changes]):
            self._fault(next(iter(self._lines.changes.values())).line, f"“{CHANGES}” lacks a text in {' and '.join(missing)}.")
        lines = {section.key: section.line for section in self._lines.clauses} | {
            name: line for name, (line, _) in self._lines.header.fields.items()
        }
        policy = None if self._lines.faults else Policy(version, tuple(clause for clause in clauses if clause), changes)
        return PolicyFile(policy, from_day, sorted(self._lines.faults), lines)

    def _version(self) -> str:
        line, value = self._lines.header.fields.get("Version", (1, ""))
        if not value:
            self._fault(line, "the version is missing. Write it at the top: Version: 2026-12-01")
        elif not _VERSION.fullmatch(value) or _date(value[:10]) is None:
            self._fault(line, f"the version is a date such as 2026-12-01 (a second one of that day: 2026-12-01.2), not “{short(value)}”.")
        return value

    def _day(self) -> date | None:
        line, value = self._lines.header.fields.get("In force from", (1, ""))
        day = _date(value)
        if value and day is None:
            self._fault(line, f"“In force from” is a date such as 2026-12-15, not “{short(value)}”.")
        return day

    def _clause(self, section: Section) -> Clause | None:
        before = len(self._lines.faults)
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
        if len(self._lines.faults) > before or not section.key:
            return None
        words = section.words
        return Clause(
            number=section.number, key=section.key, severity=severity, hours=hours, category=f"STATEMENT_CATEGORY_{category[0]}",
            title={code: words[code].title for code in LANGUAGES}, text={code: "\n".join(words[code].paragraphs) for code in LANGUAGES},
            breaks={code: words[code].lists["breaks"] for code in LANGUAGES},
            keeps={code: words[code].lists["keeps"] for code in LANGUAGES},
            usual=usual, families=tuple(Family(name) for name in families),
        )

    def _severity(self, section: Section) -> float:
        line, value = self._field(section, "Severity")
        try:
            severity = float(value or "nan")
        except ValueError:
            severity = -1
        if value and not 0 < severity <= 1:
            self._fault(line, f"severity is a number above 0 and up to 1, such as 0.5, not “{short(value)}”. Write a point, not a comma.")
        return severity

    def _hours(self, section: Section) -> int:
        line, value = self._field(section, "Decide within")
        found = _HOURS.fullmatch(value)
        hours = int(found[1]) * (24 if found[2].startswith("day") else 1) if found else 0
        if value and not 1 <= hours <= _MAX_HOURS:
            self._fault(line, f"the time to decide is such as “24 hours” or “7 days”, at most 90 days, not “{short(value)}”.")
        return hours

    def _choices(self, section: Section, name: str, known: Iterable[str]) -> tuple[str, ...]:
        line, value = self._field(section, name)
        chosen = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
        for one in chosen:
            if one not in known:
                near = meant(one, known)
                hint = f"Did you mean “{near}”?" if near else f"Known: {', '.join(known)}."
                self._fault(line, f"“{short(one)}” is not known for “{name}”. {hint}")
        return chosen

    def _field(self, section: Section, name: str) -> tuple[int, str]:
        if name not in section.fields or not section.fields[name][1]:
            example = {"Severity": "0.5", "Decide within": "72 hours", "Usual measures": "remove", "Reported as": "harassment",
                       "DSA category": "CYBER_VIOLENCE"}[name]
            self._fault(section.line, f"the rule lacks “{name}”. Write a line below its heading, such as “{name}: {example}”.")
        return section.fields.get(name, (section.line, ""))

    def _check_words(self, section: Section, code: str, name: str) -> None:
        words = section.words.get(code)
        if words is None:
            self._fault(section.line, f"the rule has no text in {name}. Add “### {name}: ” with its title, and the text below it.")
            return
        if not words.title or len(words.title) > _MAX_TITLE:
            self._fault(words.line, f"write a title of at most {_MAX_TITLE} characters after “### {name}: ”.")
        if not words.paragraphs or len("\n".join(words.paragraphs)) > _MAX_TEXT:
            self._fault(words.line, f"write the text of the rule below its title, at most {_MAX_TEXT} characters.")
        for kind, headings in (("breaks", BREAKS), ("keeps", KEEPS)):
            if not words.lists.get(kind):
                heading = next(heading for heading, of in headings.items() if of == code)
                self._fault(words.line, f"give at least one example: a line “{heading}:”, and below it lines that begin with “- ”.")

    def _check_unique(self) -> None:
        for what in ("number", "key"):
            seen: dict[object, int] = {}
            for section in self._lines.clauses:
                value = getattr(section, what)
                if value and value in seen:
                    self._fault(section.line, f"the {what} {value} belongs to the rule in line {seen[value]} already.")
                seen.setdefault(value, section.line)

    def _check_families(self, clauses: list[Clause]) -> None:
        """Every reason that members can choose must lead to a rule; threats also need one, because the detector looks for them."""
        missing = [family for family in Family if not any(family in clause.families for clause in clauses)]
        if missing and len(clauses) == len(self._lines.clauses):
            self._fault(1, f"no rule is “Reported as” {', '.join(missing)}. Add each to the rule that it fits best.")

    def _fault(self, line: int, text: str) -> None:
        self._lines.faults.append(Fault(line, text))


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None
