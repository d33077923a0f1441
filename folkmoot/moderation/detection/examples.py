"""Reads labelled posts: JSON lines, or CSV with the same names as its columns.

A row needs `text`. `threat` (1, 0 or empty) is a field of the row or of its `labels`; `id`, `lang`, `split`, `source`, `licence`
and `group` are optional. Rows of one group belong together (one template, one author) and are never on both sides of a split.
"""

import codecs
import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.moderation.detection.model import Example

_THREAT = {"1": 1, "0": 0, "true": 1, "false": 0, "": None, "null": None, "none": None}


def read_examples(path: Path, wanted: dict[str, str] | None = None) -> list[Example]:
    """The rows of a file whose fields have the `wanted` values. Raises Problem that names the line that cannot be read."""
    try:
        rows = _csv_rows(path) if path.suffix == ".csv" else json_rows(path.read_bytes().splitlines(), path.name)
        return [
            _example(path, number, row) for number, row in rows
            if all(str(row.get(key)) == value for key, value in (wanted or {}).items())
        ]
    except OSError as error:
        raise Problem("%(path)s cannot be read: %(why)s.", path=path, why=error.strerror or error) from error
    except UnicodeDecodeError as error:
        raise Problem("%(path)s is not UTF-8. Save the file with the encoding UTF-8.", path=path) from error
    except csv.Error as error:
        raise Problem("%(path)s is not CSV: %(why)s.", path=path, why=error) from error


def _csv_rows(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with open(path, encoding="utf-8-sig", newline="") as file:
        head = file.readline()
        file.seek(0)
        reader = csv.DictReader(file, delimiter=max(",;\t", key=head.count))  # spreadsheets write other delimiters too
        for row in reader:
            yield reader.line_num, row


def json_rows(file: Iterable[bytes], name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number, row) of each line that is not empty."""
    for number, line in enumerate(file, 1):
        line = line.removeprefix(codecs.BOM_UTF8) if number == 1 else line
        if not line.strip():
            continue
        try:
            row = msgspec.json.decode(line)
        except msgspec.DecodeError as error:
            raise Problem(
                "%(name)s, line %(number)d is not JSON: %(why)s. If the file is CSV, its name must end in .csv.", name=name, number=number,
                why=error,
            ) from error
        if not isinstance(row, dict) or not isinstance(row.get("text"), str):
            raise Problem("%(name)s, line %(number)d: each line must be an object with a field `text`.", name=name, number=number)
        yield number, row


def language_of(row: dict[str, Any]) -> str | None:
    lang = row.get("lang") or row.get("language")
    return lang if isinstance(lang, str) else None


def _example(path: Path, number: int, row: dict[str, Any]) -> Example:
    labels: dict[str, Any] = row["labels"] if isinstance(row.get("labels"), dict) else {}
    given = row.get("threat", labels.get("threat"))
    threat = _THREAT.get(str("" if given is None else given).strip().lower(), 2)
    if threat == 2 or not isinstance(row.get("text"), str):
        raise Problem("%(name)s, line %(number)d: a row needs `text`, and `threat` must be 1, 0 or empty.", name=path.name, number=number)
    name = str(row.get("id") or f"{path.stem}-{number}")
    return Example(
        id=name, text=row["text"], lang=language_of(row), threat=threat, split=str(row.get("split") or "train"),
        file=path.stem, group=_group(path.stem, name, row, labels), labels=labels,
        licence=str(row.get("licence") or ""), source=str(row.get("source") or ""),
    )


def _group(file: str, name: str, row: dict[str, Any], labels: dict[str, Any]) -> str:
    """The group of a row: its template, its functional test, or the author of the whole file; otherwise the row alone."""
    group = row.get("group") or labels.get("template") or labels.get("functionality")
    if group:
        return f"{file}:{group}"
    return file if "kind" in labels else name
