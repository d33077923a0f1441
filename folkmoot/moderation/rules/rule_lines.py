"""The grammar of a file of rules: sorts its lines into rules, fields, groups of conditions and languages.

It finds the faults of form; `rule_file.py` checks what stands in the fields. The spirit is that of policy files
(`clauses/policy_lines.py`): headings, `Name: value` lines and lists, nothing quoted or indented.
"""

import re

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.policy_lines import Fault, Words, meant, short
from folkmoot.moderation.rules.model import Quantifier

GROUPS = {"All of": Quantifier.ALL, "Any of": Quantifier.ANY, "None of": Quantifier.NONE}
HEADER_FIELDS = ("Version",)
RULE_FIELDS = ("About", "Clause", "Probability", "Measures", "Valid from", "Valid until")
_FIELD = re.compile(r"([A-Z][A-Za-z ]{2,24}):\s*(.*)")
_LANGUAGE_OF = {name: code for code, name in LANGUAGES.items()}


class Section:
    """A rule, or the header, while it is read."""

    def __init__(self, line: int, name: str = "") -> None:
        self.line, self.name = line, name
        self.fields: dict[str, tuple[int, str]] = {}
        self.groups: list[tuple[int, Quantifier, list[tuple[int, str]]]] = []  # each with the lines of its conditions
        self.words: dict[str, Words] = {}


class Reader:
    """Takes the lines one by one. `_section` and `_part` are where the next line belongs; `_is_listing` while a group is open."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.header = Section(1)
        self.rules: list[Section] = []
        self._section = self.header
        self._part: Words | None = None
        self._is_listing = False
        self._starts_paragraph = True

    def read(self, number: int, line: str) -> None:
        if not line:
            self._starts_paragraph = True
        elif line.startswith("### "):
            self._open_language(number, line.removeprefix("### ").strip())
        elif line.startswith("## "):
            self._section = Section(number, line.removeprefix("## ").strip())
            self._part, self._is_listing = None, False
            self.rules.append(self._section)
        elif line.startswith("# "):
            if number > 1 and (self.rules or self.header.fields):
                self._fault(number, "a heading with one # stands only at the top. Rules begin with ##.")
        elif line.startswith("#"):
            self._fault(number, f"write a space after the # signs, and at most three of them: {short(line)}")
        elif self._part is not None:
            self._add_text(self._part, line)
        elif line.startswith(("- ", "* ", "– ")):
            self._add_condition(number, line[2:].strip())
        else:
            self._read_plain(number, line)

    def _read_plain(self, number: int, line: str) -> None:
        heading = line.removesuffix(":").strip()
        if line.endswith(":") and heading in GROUPS:
            self._open_group(number, GROUPS[heading])
        elif line.endswith(":") and meant(heading, GROUPS):
            self._fault(number, f"“{short(line)}” is not known. Write “All of:”, “Any of:” or “None of:”.")
            self._open_group(number, Quantifier.ALL)
        elif self._is_listing and not self._starts_paragraph and self._section.groups[-1][2]:
            first, before = self._section.groups[-1][2][-1]
            self._section.groups[-1][2][-1] = first, f"{before} {line}"  # a long list of phrases goes on in the next line
        else:
            self._read_field(number, line)

    def _open_group(self, number: int, quantifier: Quantifier) -> None:
        if self._section is self.header:
            self._fault(number, "conditions belong below a rule, which begins with a line such as “## many-links”.")
        self._section.groups.append((number, quantifier, []))
        self._is_listing = True

    def _add_condition(self, number: int, condition: str) -> None:
        if not self._is_listing:
            self._fault(number, f"write “All of:”, “Any of:” or “None of:” above this list: {short(condition)}")
            self._open_group(number, Quantifier.ALL)
        self._section.groups[-1][2].append((number, condition))
        self._starts_paragraph = False

    def _open_language(self, number: int, heading: str) -> None:
        name, _, title = (part.strip() for part in heading.partition(":"))
        language = _LANGUAGE_OF.get(name)
        self._part, self._is_listing, self._starts_paragraph = Words(number, title), False, True
        if language is None:
            self._fault(number, f"begin with {' or '.join(f'“### {known}: ”' for known in _LANGUAGE_OF)}, not with “### {short(name)}”.")
        elif self._section is self.header:
            self._fault(number, f"“### {name}” belongs below a rule, which begins with a line such as “## many-links”.")
        elif language in self._section.words:
            self._fault(number, f"this rule has {name} twice, also in line {self._section.words[language].line}. Remove one of them.")
        else:
            self._section.words[language] = self._part

    def _add_text(self, part: Words, line: str) -> None:
        if self._starts_paragraph or not part.paragraphs:
            part.paragraphs.append(line)
            self._starts_paragraph = False
        else:
            part.paragraphs[-1] += f" {line}"

    def _read_field(self, number: int, line: str) -> None:
        found = _FIELD.fullmatch(line)
        known = HEADER_FIELDS if self._section is self.header else RULE_FIELDS
        self._is_listing = False
        if found is None:
            self._fault(number, f"this line belongs to nothing: {short(line)}. Conditions begin with “- ”; the reason in words stands below"
                                " “### English: …” and “### Čeština: …”.")
            return
        name, value = found[1].strip(), found[2].strip()
        if name not in known:
            near = meant(name, known)
            hint = f"Did you mean “{near}”?" if near else f"Known here: {', '.join(known)}."
            self._fault(number, f"“{name}” is not known. {hint}")
        elif name in self._section.fields:
            self._fault(number, f"“{name}” is there twice, also in line {self._section.fields[name][0]}. Remove one of them.")
        else:
            self._section.fields[name] = number, value

    def _fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))
