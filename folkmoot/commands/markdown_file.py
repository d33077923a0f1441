"""Shared by `moot policy`, `moot rules` and `moot jurors`: reads a file that an operator wrote, and shows the faults in it."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from folkmoot.base.errors import Problem
from folkmoot.commands.options import show

if TYPE_CHECKING:
    from folkmoot.moderation.clauses.markdown_file import Fault

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def read_file(file: Path) -> str:
    """Raises Problem if it is too large, or not UTF-8."""
    from folkmoot.moderation.clauses.markdown_file import MAX_BYTES

    content = file.read_bytes()
    if len(content) > MAX_BYTES:
        raise Problem("%(file)s is larger than %(limit)d KiB.", file=file, limit=MAX_BYTES // 1024)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Problem("%(file)s, line %(line)d: this is not UTF-8. Save the file with the encoding UTF-8.", file=file, line=line) from error


def exit_with(faults: "Sequence[Fault]", file: Path, as_json: bool) -> NoReturn:
    """Shows the faults in `file` and exits with code 1."""
    answer = {"faults": [{"line": fault.line, "text": fault.text} for fault in faults]}
    show(answer, as_json, "\n".join(f"{file}, line {fault.line}: {fault.text}" for fault in faults))
    sys.exit(1)
