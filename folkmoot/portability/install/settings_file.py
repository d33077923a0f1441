"""Edits `folkmoot.toml`: sets values and keeps everything else, with the comments and changes of the operator."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from folkmoot.base.errors import Problem


class SettingsFileProblem(Problem):
    """The settings file has a form that is not edited by a program."""

    code = "settings_file"


def with_values(text: str, values: Mapping[tuple[str, str], Any]) -> str:
    """The text with each value set: in the line that has it, or that has it commented out, else at the end of its section.

    Raises SettingsFileProblem if the result does not have the values, as with a list over several lines.
    """
    before = parsed(text)
    lines = text.splitlines()
    for (section, name), value in values.items():
        if before.get(section, {}).get(name) != value:
            _set(lines, section, f"{name} = {json.dumps(value, ensure_ascii=False)}", name)
    edited = "\n".join(lines) + "\n"
    after = parsed(edited)
    for (section, name), value in values.items():
        if after.get(section, {}).get(name) != value:
            raise SettingsFileProblem("folkmoot.toml cannot be edited: set %(name)s = %(value)s in the section [%(section)s] by hand.",
                                      section=section, name=name, value=json.dumps(value, ensure_ascii=False))
    return edited


def _set(lines: list[str], section: str, line: str, name: str) -> None:
    start, end = _bounds(lines, section)
    for pattern in (rf"\s*{name}\s*=", rf"\s*#\s*{name}\s*="):
        for number in range(start, end):
            if re.match(pattern, lines[number]):
                lines[number] = line
                return
    lines.insert(end, line)


def _bounds(lines: list[str], section: str) -> tuple[int, int]:
    """The lines of a section, without its head and without empty lines at its end. Adds a missing section."""
    heads = [number for number, line in enumerate(lines) if re.match(r"\s*\[", line)]
    start = next((number for number in heads if re.match(rf"\s*\[\s*{section}\s*\]", lines[number])), None)
    if start is None:
        lines += ["", f"[{section}]"]
        return len(lines), len(lines)
    end = next((number for number in heads if number > start), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or _belongs_to_next(lines, end)):
        end -= 1
    return start + 1, end


def _belongs_to_next(lines: list[str], end: int) -> bool:
    """Whether the line before `end` is the sentence above the head of the next section."""
    return end < len(lines) and re.match(r"\s*\[", lines[end]) is not None and lines[end - 1].startswith("#") and "=" not in lines[end - 1]


def parsed(text: str) -> dict[str, Any]:
    """The values by section and name. Raises SettingsFileProblem."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsFileProblem("folkmoot.toml is not valid TOML: %(why)s.", why=error) from error
