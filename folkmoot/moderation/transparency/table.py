"""Monthly figures as a table with one number in each row: for CSV, and for whoever compares months."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from folkmoot.moderation.measurement.model import FiguresOfMonth
from folkmoot.moderation.transparency.monthly import Figures

COLUMNS = ("month", "state", "figure", "of", "value")
Value = int | float | str


def rows_of(figures: Figures) -> Iterator[tuple[str, str, Value]]:
    """(figure, of what, value), always in the same order. A figure without a value has no row."""
    if figures.members is not None:
        yield "members", "", figures.members
    yield "reports", "", figures.reports
    yield "cases", "", figures.cases
    yield "decisions", "", figures.decisions.total
    for name, group in _groups(figures):
        for key, value in group.items():
            if value is not None:
                yield name, key, value
    for incident in figures.incidents:
        yield f"incident_{incident.kind}", f"{incident.day} {incident.of}".strip(), incident.count
    for version in figures.policies:
        yield "policy", version, 1
    if figures.journal:
        yield "journal_position", figures.journal.hash, figures.journal.position


def _groups(figures: Figures) -> Iterator[tuple[str, Mapping[str, Value | None]]]:
    decisions = figures.decisions
    yield "notices", figures.notices
    yield "decisions_by_clause", decisions.by_clause
    yield "decisions_by_action", decisions.by_action
    yield "decisions_by_decider", decisions.by_decider
    for name, structs in (("hours", figures.speed), ("deadlines", figures.deadlines), ("detected", figures.detected),
                          ("appeals", {"": figures.appeals}), ("hiding", {"": figures.hiding}), ("pauses", figures.pauses or {})):
        kinds: Mapping[str, msgspec.Struct] = structs
        for field in dict.fromkeys(field for one in kinds.values() for field in one.__struct_fields__):
            yield f"{name}_{field}", {kind: getattr(one, field) for kind, one in kinds.items()}


def measured_rows(measured: FiguresOfMonth) -> Iterator[tuple[str, str, Value]]:
    """What was measured on a sample: the value, and its interval in rows of their own."""
    yield "measured_revision", "final" if measured.is_final else "preliminary", measured.revision
    for one in measured.figures:
        for name, value in (("", one.value), ("_low", one.low), ("_high", one.high), ("_size", one.size)):
            if value is not None:
                yield f"measured_{one.name}{name}", one.scope, value


def as_csv(months: Iterable[Figures], measured: Mapping[str, FiguresOfMonth]) -> bytes:
    """RFC 4180 in UTF-8."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for figures in months:
        writer.writerows((figures.month, figures.state, *row) for row in rows_of(figures))
        if found := measured.get(figures.month):
            writer.writerows((figures.month, figures.state, *row) for row in measured_rows(found))
    return made.getvalue().encode()


def as_json(figures: Figures) -> bytes:
    """The public form of a month, which is also what is stored and hashed."""
    return msgspec.json.format(msgspec.json.encode(figures), indent=1) + b"\n"
