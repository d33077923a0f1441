"""The grammar of a file of rules: sorts its lines into rules, fields, groups of conditions and languages.

It finds the faults of form; `rule_file.py` checks what stands in the fields.
"""

from folkmoot.moderation.clauses.markdown_file import MarkdownLines, Section, meant, short
from folkmoot.moderation.rules.model import Quantifier

_GROUPS = {"All of": Quantifier.ALL, "Any of": Quantifier.ANY, "None of": Quantifier.NONE}
_EXAMPLE = "a rule, which begins with a line such as “## many-links”"


class RuleSection(Section):
    """A rule, or the header, while it is read."""

    def __init__(self, line: int, name: str = "") -> None:
        super().__init__(line)
        self.name = name
        self.groups: list[tuple[int, Quantifier, list[tuple[int, str]]]] = []  # each with the lines of its conditions


class RuleLines(MarkdownLines[RuleSection]):
    """`_conditions` are those of the open group."""

    header_fields = ("Version",)
    section_fields = ("About", "Clause", "Probability", "Measures", "Valid from", "Valid until")
    text_goes = "Conditions begin with “- ”; the reason in words stands below “### English: …” and “### Čeština: …”."
    language_goes = _EXAMPLE

    def __init__(self) -> None:
        super().__init__(RuleSection(1))
        self._conditions: list[tuple[int, str]] | None = None

    def _open_section(self, number: int, heading: str) -> None:
        self._section = RuleSection(number, heading)
        self._conditions = None
        self.sections.append(self._section)

    def _open_language(self, number: int, heading: str) -> None:
        self._conditions = None
        super()._open_language(number, heading)

    def _read_plain(self, number: int, line: str) -> None:
        heading = line.removesuffix(":").strip()
        if self._part is not None:
            self._add_text(self._part, line)
        elif line.endswith(":") and heading in _GROUPS:
            self._open_group(number, _GROUPS[heading])
        elif line.endswith(":") and meant(heading, _GROUPS):
            self._fault(number, f"“{short(line)}” is not known. Write “All of:”, “Any of:” or “None of:”.")
            self._open_group(number, Quantifier.ALL)
        elif self._conditions and not self._starts_paragraph:
            first, before = self._conditions[-1]
            self._conditions[-1] = first, f"{before} {line}"  # a long list of phrases goes on in the next line
        else:
            self._conditions = None
            self._read_field(number, line)

    def _open_group(self, number: int, quantifier: Quantifier) -> list[tuple[int, str]]:
        section = self._section or self.header
        if section is self.header:
            self._fault(number, f"conditions belong below {_EXAMPLE}.")
        self._conditions = []
        section.groups.append((number, quantifier, self._conditions))
        return self._conditions

    def _read_item(self, number: int, line: str) -> None:
        if self._part is not None:
            self._add_text(self._part, line)
            return
        condition = line[2:].strip()
        if self._conditions is None:
            self._fault(number, f"write “All of:”, “Any of:” or “None of:” above this list: {short(condition)}")
            self._conditions = self._open_group(number, Quantifier.ALL)
        self._conditions.append((number, condition))
        self._starts_paragraph = False
