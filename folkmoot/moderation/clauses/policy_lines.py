"""The grammar of a policy file: sorts its lines into rules, fields, languages and lists of examples.

It finds the faults of form; `policy_file.py` checks what stands in the fields.
"""

import re

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.markdown_file import MarkdownLines, Section, Words, meant, short

BREAKS = {"Breaks it": "en", "Porušuje": "cs"}
KEEPS = {"Does not break it": "en", "Neporušuje": "cs"}
CHANGES = "What changes"
_CLAUSE_HEADING = re.compile(r"(\d{1,3})\. (\S+)")


class ClauseSection(Section):
    """A clause, or the header, while it is read."""

    def __init__(self, line: int, number: int = 0, key: str = "") -> None:
        super().__init__(line)
        self.number, self.key = number, key


class PolicyLines(MarkdownLines[ClauseSection]):
    """`_list` is an open list of examples. Below “What changes” there is no section."""

    header_fields = ("Version", "In force from")
    section_fields = ("Severity", "Decide within", "Usual measures", "Reported as", "DSA category")
    text_goes = "Text goes below “### English: …” or “### Čeština: …”."
    language_goes = f"a rule (“## 1. key”) or below “## {CHANGES}”"

    def __init__(self) -> None:
        super().__init__(ClauseSection(1))
        self.changes: dict[str, Words] = {}
        self._list: list[str] | None = None

    def _open_section(self, number: int, heading: str) -> None:
        self._list = None
        if heading == CHANGES:
            self._section = None
            return
        found = _CLAUSE_HEADING.fullmatch(heading)
        if found is None:
            self._fault(number, f"a rule begins with its number and its key, as in “## 2. violence”, not with “{short(heading)}”.")
        self._section = ClauseSection(number, int(found[1]), found[2]) if found else ClauseSection(number)
        self.sections.append(self._section)

    def _words_here(self) -> dict[str, Words] | None:
        return self.changes if self._section is None else super()._words_here()

    def _open_language(self, number: int, heading: str) -> None:
        self._list = None
        super()._open_language(number, heading)

    def _read_plain(self, number: int, line: str) -> None:
        heading = line.removesuffix(":").strip()
        if self._part is None:
            self._read_field(number, line)
        elif line.endswith(":") and heading in (*BREAKS, *KEEPS):
            self._open_list(number, self._part, heading)
        elif line.endswith(":") and (known := meant(heading, [*BREAKS, *KEEPS])):
            self._fault(number, f"“{short(line)}” is not known. Write “{known}:”.")
            self._list = []
        elif self._list and not self._starts_paragraph:
            self._list[-1] += f" {line}"  # a long example goes on in the next line
        elif self._list is not None:
            self._fault(number, f"this line stands below a list of examples. Begin it with “- ”, or move it above the list: {short(line)}")
        else:
            self._add_text(self._part, line)

    def _open_list(self, number: int, part: Words, heading: str) -> None:
        kind, headings = ("breaks", BREAKS) if heading in BREAKS else ("keeps", KEEPS)
        language = next((code for code, words in self._section.words.items() if words is part), None) if self._section else None
        if language and headings[heading] != language:
            right = next(name for name, of in headings.items() if of == language)
            self._fault(number, f"below “### {LANGUAGES[language]}” this list is called “{right}:”.")
        self._list = part.lists.setdefault(kind, [])

    def _read_item(self, number: int, line: str) -> None:
        example = line[2:].strip()
        if self._part and self._section is None:  # a list in “What changes”
            self._part.paragraphs.append(f"– {example}")
        elif self._list is not None:
            self._list.append(example)
            self._starts_paragraph = False
        elif self._part is None:
            self._fault(number, "this list belongs to no language. Put it below “### English: …” and “Breaks it:”.")
        else:
            self._fault(number, "write “Breaks it:” or “Does not break it:” above this list (Porušuje:, Neporušuje:).")
            self._list = []
