"""What the files of policies and of rules have in common: headings, `Name: value` lines, texts in languages, and lists.

A `MarkdownLines` sorts the lines of a file into sections and finds the faults of form; a `SectionCheck` checks what stands in
them. Both name the line of each fault and what to do about it, and go on, so that all faults are found at once.
"""

import difflib
import re
from collections.abc import Iterable
from datetime import date
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from folkmoot.base.i18n import LANGUAGES

MAX_BYTES = 512 * 1024
LIST_MARKS = ("- ", "* ", "– ")
_FIELD = re.compile(r"([A-Z][A-Za-z ]{2,24}):\s*(.*)")
_VERSION = re.compile(r"\d{4}-\d\d-\d\d(\.[1-9]\d{0,2})?")
LANGUAGE_OF = {name: code for code, name in LANGUAGES.items()}


class Fault(NamedTuple):
    """What is wrong in which line, and what to do."""

    line: int
    text: str


class Words:
    """The part of a section in one language, while it is read."""

    def __init__(self, line: int, title: str) -> None:
        self.line, self.title = line, title
        self.paragraphs: list[str] = []
        self.lists: dict[str, list[str]] = {}  # examples of a clause: "breaks" and "keeps"


class Section:
    """A rule or clause, or the header, while it is read."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.fields: dict[str, tuple[int, str]] = {}
        self.words: dict[str, Words] = {}


S = TypeVar("S", bound=Section)


class MarkdownLines(Generic[S]):
    """Takes the lines one by one. `_section` and `_part` are where the next line belongs. Subclasses say what a section is."""

    header_fields: ClassVar[tuple[str, ...]]
    section_fields: ClassVar[tuple[str, ...]]
    text_goes: ClassVar[str]  # where a line belongs that is no field
    language_goes: ClassVar[str]  # where a part in a language belongs

    def __init__(self, header: S) -> None:
        self.faults: list[Fault] = []
        self.header = header
        self.sections: list[S] = []
        self._section: S | None = header
        self._part: Words | None = None
        self._starts_paragraph = True

    def read(self, text: str) -> Self:
        for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), start=1):
            self._read_line(number, line.strip())
        return self

    def _open_section(self, number: int, heading: str) -> None:
        raise NotImplementedError

    def _read_item(self, number: int, line: str) -> None:
        """A line with the mark of a list."""
        raise NotImplementedError

    def _read_plain(self, number: int, line: str) -> None:
        """A line without any mark."""
        raise NotImplementedError

    def _words_here(self) -> dict[str, Words] | None:
        """Where the parts in languages go; None: nowhere."""
        return None if self._section is None or self._section is self.header else self._section.words

    def _read_line(self, number: int, line: str) -> None:
        if not line:
            self._starts_paragraph = True
        elif line.startswith("### "):
            self._open_language(number, line.removeprefix("### ").strip())
        elif line.startswith("## "):
            self._part = None
            self._open_section(number, line.removeprefix("## ").strip())
        elif line.startswith("# "):
            if number > 1 and (self.sections or self.header.fields):
                self._fault(number, "a heading with one # stands only at the top. Rules begin with ##.")
        elif line.startswith("#"):
            self._fault(number, f"write a space after the # signs, and at most three of them: {short(line)}")
        elif line.startswith(LIST_MARKS):
            self._read_item(number, line)
        else:
            self._read_plain(number, line)

    def _open_language(self, number: int, heading: str) -> None:
        name, _, title = (part.strip() for part in heading.partition(":"))
        language = LANGUAGE_OF.get(name)
        words = self._words_here()
        self._part, self._starts_paragraph = Words(number, title), True
        if language is None:
            self._fault(number, f"begin with {' or '.join(f'“### {known}: ”' for known in LANGUAGE_OF)}, not with “### {short(name)}”.")
        elif words is None:
            self._fault(number, f"“### {name}” belongs below {self.language_goes}.")
        elif language in words:
            self._fault(number, f"this rule has {name} twice, also in line {words[language].line}. Remove one of them.")
        else:
            words[language] = self._part

    def _add_text(self, part: Words, line: str) -> None:
        if self._starts_paragraph or not part.paragraphs:
            part.paragraphs.append(line)
            self._starts_paragraph = False
        else:
            part.paragraphs[-1] += f" {line}"

    def _read_field(self, number: int, line: str) -> None:
        found = _FIELD.fullmatch(line)
        known = self.header_fields if self._section is self.header else self.section_fields
        if self._section is None or found is None:
            self._fault(number, f"this line belongs to nothing: {short(line)}. {self.text_goes}")
            return
        name, value = found[1].strip(), found[2].strip()
        if name not in known:
            self._fault(number, f"“{name}” is not known. {hint(name, known, 'Known here')}")
        elif name in self._section.fields:
            self._fault(number, f"“{name}” is there twice, also in line {self._section.fields[name][0]}. Remove one of them.")
        else:
            self._section.fields[name] = number, value

    def _fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))


class SectionCheck(Generic[S]):
    """Turns the sections of a file into what they describe, and adds to the faults of the reader what is missing or wrong in them.
    `examples`: of the fields that a section must have."""

    max_title: ClassVar[int]
    examples: ClassVar[dict[str, str]]

    def __init__(self, lines: MarkdownLines[S]) -> None:
        self._lines = lines
        self._faults = lines.faults

    def _version(self) -> str:
        line, value = self._lines.header.fields.get("Version", (1, ""))
        if not value:
            self._fault(line, "the version is missing. Write it at the top: Version: 2026-12-01")
        elif not _VERSION.fullmatch(value) or _date(value[:10]) is None:
            self._fault(line, f"the version is a date such as 2026-12-01 (a second one of that day: 2026-12-01.2), not “{short(value)}”.")
        return value

    def _day(self, section: Section, name: str) -> date | None:
        line, value = section.fields.get(name, (section.line, ""))
        day = _date(value)
        if value and day is None:
            self._fault(line, f"“{name}” is a date such as 2026-12-15, not “{short(value)}”.")
        return day

    def _needed(self, section: Section, name: str) -> tuple[int, str]:
        if not section.fields.get(name, (0, ""))[1]:
            self._fault(section.line, f"the rule lacks “{name}”. Write a line below its heading, such as “{name}: {self.examples[name]}”.")
        return section.fields.get(name, (section.line, ""))

    def _check_title(self, words: Words, language: str) -> None:
        if not words.title or len(words.title) > self.max_title:
            self._fault(words.line, f"write a title of at most {self.max_title} characters after “### {language}: ”.")

    def _check_unique(self, what: str, found: Iterable[tuple[object, int]]) -> None:
        """`found`: each value and its line. Empty ones are not compared."""
        seen: dict[object, int] = {}
        for value, line in found:
            if value and value in seen:
                self._fault(line, f"the {what} {value} belongs to the rule in line {seen[value]} already.")
            seen.setdefault(value, line)

    def _fault(self, line: int, text: str) -> None:
        self._faults.append(Fault(line, text))


def split_list(value: str) -> tuple[str, ...]:
    """The different words of a list with commas, in their order."""
    return tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))


def meant(written: str, known: Iterable[str]) -> str:
    """The known word that somebody has probably meant; "" if none is near."""
    by_small = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(written.casefold(), by_small, 1, cutoff=0.7)
    return by_small[near[0]] if near else ""


def hint(written: str, known: Iterable[str], all_are: str = "Known") -> str:
    """What to write instead of an unknown word: the one that was probably meant, else all that are known."""
    known = list(known)
    near = meant(written, known)
    return f"Did you mean “{near}”?" if near else f"{all_are}: {', '.join(known)}."


def short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        return None
