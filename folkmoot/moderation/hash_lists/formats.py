"""Reads and writes hash lists in the formats that are in use: ours (CSV and JSON), those of ThreatExchange and its Hasher-Matcher
(JSON or CSV with `signal_type` and `signal`, or `type` and `indicator`), domain lists of Mastodon (CSV with `#domain`), hosts
files, the output of sha256sum, and one value a line.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from folkmoot.base.errors import Problem
from folkmoot.moderation.hash_lists.model import MAX_NOTE, Entry, Kind, normal_value

MAX_BYTES = 256 * 1024 * 1024
_KINDS = {
    "file": Kind.FILE, "sha256": Kind.FILE, "hash_sha256": Kind.FILE,
    "picture": Kind.PICTURE, "pdq": Kind.PICTURE, "hash_pdq": Kind.PICTURE,
    "text": Kind.TEXT, "raw_text": Kind.TEXT, "text_string": Kind.TEXT, "address": Kind.ADDRESS, "url": Kind.ADDRESS, "uri": Kind.ADDRESS,
    "domain": Kind.ADDRESS, "raw_url": Kind.ADDRESS,
}
_KIND_NAMES = ("kind", "signal_type", "type", "indicator_type")
_VALUE_NAMES = ("value", "signal", "indicator", "hash", "#domain", "domain", "url", "pdq", "sha256")
_NOTE_NAMES = ("note", "#public_comment", "public_comment", "description")
_NAME = re.compile(r"(?:#?[a-z][a-z0-9_ -]{0,39})?")  # of a column; no value is so short, or without a dot
_DELIMITERS = ",;\t"  # of CSV; the second one is that of spreadsheets where numbers have a comma
_COMMENT = re.compile(r"#.*")
_SPACED_COMMENT = re.compile(r"(?:^|\s+)#\s.*")  # an address may have a fragment, and a text a hashtag
_UNFIT = {
    Kind.FILE: "%r is no SHA-256", Kind.PICTURE: "%r is no PDQ hash", Kind.ADDRESS: "%r is no address",
    Kind.TEXT: "%r is too short to be recognised",
}
_SUM_LINE = re.compile(r"([0-9a-fA-F]{64})\s+\*?(\S.*)")
_HOSTS_LINE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)\s+(\S+)")


class Read(NamedTuple):
    """`rows`: (kind, value in normal form, clause or "", note). `skipped`: the number of each line that could not be used, and why."""

    rows: list[tuple[Kind, str, str, str]]
    skipped: list[tuple[int, str]]


def read_list(text: str, kind: Kind | None) -> Read:
    """`kind`: what values are that do not say it themselves. Raises Problem for a file that is no list at all."""
    text = text.removeprefix("\ufeff")
    found = Read([], [])
    for number, row in _rows(text, kind):
        meant = _KINDS.get(_first(row, _KIND_NAMES).lower(), kind if not _first(row, _KIND_NAMES) else None) or _kind_by_column(row)
        written = _first(row, _VALUE_NAMES)
        if meant is None:
            named = _first(row, _KIND_NAMES)
            found.skipped.append((number, f"{named} is not a known kind" if named else "the kind is missing; say --kind"))
        elif "\ufffd" in written:
            found.skipped.append((number, "this is not UTF-8; save the file with the encoding UTF-8"))
        elif value := normal_value(meant, written):
            found.rows.append((meant, value, _first(row, ("clause",)), _first(row, _NOTE_NAMES)[:MAX_NOTE]))
        else:
            found.skipped.append((number, _UNFIT[meant] % written[:40]))
    return found


def _kind_by_column(row: Mapping[str, str]) -> Kind | None:
    column = next((name for name in _VALUE_NAMES if row.get(name)), "")
    return _KINDS.get(column.lstrip("#"))


def _first(row: Mapping[str, str], names: Iterable[str]) -> str:
    return next((row[name].strip() for name in names if row.get(name)), "")


def _rows(text: str, kind: Kind | None) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, columns) of each row."""
    start = text.lstrip()[:1]
    if start in ("[", "{"):
        yield from _json_rows(text)
        return
    lines = text.splitlines()
    delimiter = max(_DELIMITERS, key=lines[0].count) if lines else ","
    head = [name.strip().lower() for name in next(csv.reader(lines[:1], delimiter=delimiter), [])]
    if any(name in _VALUE_NAMES for name in head) and all(map(_NAME.fullmatch, head)):
        yield from _csv_rows(text, head, delimiter)
        return
    comment = _SPACED_COMMENT if kind is Kind.TEXT else _COMMENT
    for number, line in enumerate(lines, start=1):
        if written := (_SPACED_COMMENT if line.lstrip().startswith("http") else comment).sub("", line).strip():
            yield number, _row_without_names(written) if kind is None else _plain_row(written)


def _csv_rows(text: str, head: list[str], delimiter: str) -> Iterator[tuple[int, dict[str, str]]]:
    """Raises Problem for a quotation mark that is not closed, which would hide the rest of the file."""
    reader = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    line = 1
    try:
        next(reader)
        for values in reader:
            if values:
                yield reader.line_num, dict(zip(head, values, strict=False))
            line = reader.line_num + 1
    except csv.Error as error:
        text = "The row that begins in line %(line)d is not CSV: %(why)s. Correct its quotation marks."
        raise Problem(text, line=line, why=error) from error


def _row_without_names(line: str) -> dict[str, str]:
    """A row of a CSV that lacks the line with the names of its columns: KIND,VALUE. Texts may begin like one, but need --kind."""
    named, _, value = line.partition(",")
    return {"kind": named.strip(), "value": value} if value and named.strip().lower() in _KINDS else _plain_row(line)


def _plain_row(line: str) -> dict[str, str]:
    if found := _SUM_LINE.fullmatch(line):
        return {"value": found[1], "note": found[2]}
    if found := _HOSTS_LINE.fullmatch(line):
        return {"value": found[1], "kind": Kind.ADDRESS}
    return {"value": line}


def _json_rows(text: str) -> Iterator[tuple[int, dict[str, str]]]:
    """The objects of an array, of a member that is an array of objects, or of one line each."""
    try:
        try:
            found: Any = json.loads(text)
        except json.JSONDecodeError:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except json.JSONDecodeError as error:
        message = "Line %(line)d is not JSON: %(why)s. The file may be cut off: fetch it again."
        raise Problem(message, line=error.lineno, why=error.msg) from error
    if isinstance(found, dict):
        lists = [value for value in found.values() if isinstance(value, list)]
        found = max(lists, key=len) if lists else [found]
    for number, row in enumerate(found, start=1):
        if isinstance(row, dict):
            yield number, {str(name).lower(): str(value) for name, value in row.items() if isinstance(value, str | int)}
        else:
            yield number, {"value": str(row)}


def write_csv(entries: Iterable[Entry]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["kind", "value", "clause", "note"])
    writer.writerows([entry.kind, entry.value, entry.clause, entry.note] for entry in entries)
    return out.getvalue()


def write_json(name: str, effect: str, entries: Iterable[Entry]) -> str:
    rows = [{"kind": entry.kind, "value": entry.value, "clause": entry.clause, "note": entry.note} for entry in entries]
    return msgspec.json.format(msgspec.json.encode({"name": name, "effect": effect, "entries": rows}), indent=2).decode() + "\n"
