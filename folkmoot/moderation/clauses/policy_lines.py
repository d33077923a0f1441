"""The grammar of a policy file: sorts its lines into rules, fields, languages and lists of examples.

It finds the faults of form; `policy_file.py` checks what stands in the fields.
"""

import difflib
import re
from collections.abc import Iterable
from typing import NamedTuple

from folkmoot.base.i18n import LANGUAGES

BREAKS = {"Breaks it": "en", "Porušuje": "cs"}
KEEPS = {"Does not break it": "en", "Neporušuje": "cs"}
HEADER_FIELDS = ("Version", "In force from")
CLAUSE_FIELDS = ("Severity", "Decide within", "Usual measures", "Reported as", "DSA category")
CHANGES = "What changes"
_CLAUSE_HEADING = re.compile(r"(\d{1,3})\. (\S+)")
_FIELD = re.compile(r"([A-Z][A-Za-z ]{2,24}):\s*(.*)")
_LANGUAGE_OF = {name: code for code, name in LANGUAGES.items()}


class Fault(NamedTuple):
    """What is wrong in which line, and what to do."""

    line: int
    text: str


class Words:
    """The part of a clause in one language, while it is read."""

    def __init__(self, line: int, title: str) -> None:
        self.line, self.title = line, title
        self.paragraphs: list[str] = []
        self.lists: dict[str, list[str]] = {}  # "breaks" and "keeps"


class Section:
    """A clause, or the header, while it is read."""

    def __init__(self, line: int, number: int = 0, key: str = "") -> None:
        self.line, self.number, self.key = line, number, key
        self.fields: dict[str, tuple[int, str]] = {}
        self.words: dict[str, Words] = {}


class Reader:
    """Takes the lines one by one. `_section` and `_part` are where the next line belongs; `_list` is an open list of examples."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.header = Section(1)
        self.changes: dict[str, Words] = {}
        self.clauses: list[Section] = []
        self._section: Section | None = self.header
        self._part: Words | None = None
        self._list: list[str] | None = None
        self._starts_paragraph = True

    def read(self, number: int, line: str) -> None:
        if not line:
            self._starts_paragraph = True
        elif line.startswith("### "):
            self._open_language(number, line.removeprefix("### ").strip())
        elif line.startswith("## "):
            self._open_section(number, line.removeprefix("## ").strip())
        elif line.startswith("# "):
            if number > 1 and (self.clauses or self.header.fields):
                self._fault(number, "a heading with one # stands only at the top. Rules begin with ##.")
        elif line.startswith("#"):
            self._fault(number, f"write a space after the # signs, and at most three of them: {short(line)}")
        elif line.startswith(("- ", "* ", "– ")):
            self._add_example(number, line[2:].strip())
        else:
            self._read_plain(number, line)

    def _read_plain(self, number: int, line: str) -> None:
        heading = line.removesuffix(":").strip()
        if self._part is None:
            self._read_field(number, line)
        elif line.endswith(":") and heading in (*BREAKS, *KEEPS):
            self._open_list(number, heading)
        elif line.endswith(":") and (known := meant(heading, [*BREAKS, *KEEPS])):
            self._fault(number, f"“{short(line)}” is not known. Write “{known}:”.")
            self._list = []
        elif self._list and not self._starts_paragraph:
            self._list[-1] += f" {line}"  # a long example goes on in the next line
        elif self._list is not None:
            self._fault(number, f"this line stands below a list of examples. Begin it with “- ”, or move it above the list: {short(line)}")
        elif self._starts_paragraph or not self._part.paragraphs:
            self._part.paragraphs.append(line)
            self._starts_paragraph = False
        else:
            self._part.paragraphs[-1] += f" {line}"

    def _open_section(self, number: int, heading: str) -> None:
        self._part = self._list = None
        if heading == CHANGES:
            self._section = None
            return
        found = _CLAUSE_HEADING.fullmatch(heading)
        if found is None:
            self._fault(number, f"a rule begins with its number and its key, as in “## 2. violence”, not with “{short(heading)}”.")
        section = Section(number, int(found[1]), found[2]) if found else Section(number)
        self._section = section
        self.clauses.append(section)

    def _open_language(self, number: int, heading: str) -> None:
        name, _, title = (part.strip() for part in heading.partition(":"))
        language = _LANGUAGE_OF.get(name)
        self._part, self._list, self._starts_paragraph = Words(number, title), None, True
        if language is None:
            self._fault(number, f"begin with {' or '.join(f'“### {known}: ”' for known in _LANGUAGE_OF)}, not with “### {short(name)}”.")
            return
        if self._section is self.header:
            self._fault(number, f"“### {name}” belongs below a rule (“## 1. key”) or below “## {CHANGES}”.")
            return
        words = self.changes if self._section is None else self._section.words
        if language in words:
            self._fault(number, f"this rule has {name} twice, also in line {words[language].line}. Remove one of them.")
        words[language] = self._part

    def _open_list(self, number: int, heading: str) -> None:
        assert self._part is not None
        kind, headings = ("breaks", BREAKS) if heading in BREAKS else ("keeps", KEEPS)
        here = next((words for words in (self._section.words if self._section else {}).items() if words[1] is self._part), None)
        if here and headings[heading] != here[0]:
            right = next(name for name, of in headings.items() if of == here[0])
            self._fault(number, f"below “### {LANGUAGES[here[0]]}” this list is called “{right}:”.")
        self._list = self._part.lists.setdefault(kind, [])

    def _add_example(self, number: int, example: str) -> None:
        if self._part and self._section is None:  # a list in “What changes”
            self._part.paragraphs.append(f"– {example}")
        elif self._list is None:
            if self._part is None:
                self._fault(number, "this list belongs to no language. Put it below “### English: …” and “Breaks it:”.")
            else:
                self._fault(number, "write “Breaks it:” or “Does not break it:” above this list (Porušuje:, Neporušuje:).")
                self._list = []
        else:
            self._list.append(example)
            self._starts_paragraph = False

    def _read_field(self, number: int, line: str) -> None:
        found = _FIELD.fullmatch(line)
        known = HEADER_FIELDS if self._section is self.header else CLAUSE_FIELDS
        if self._section is None or found is None:
            self._fault(number, f"this line belongs to nothing: {short(line)}. Text goes below “### English: …” or “### Čeština: …”.")
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


def meant(written: str, known: Iterable[str]) -> str:
    """The known word that somebody has probably meant; "" if none is near."""
    by_small = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(written.casefold(), by_small, 1, cutoff=0.7)
    return by_small[near[0]] if near else ""


def short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"
