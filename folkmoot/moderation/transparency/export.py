"""Makes the files of a transparency report: eleven CSV files, and the statements of reasons of the period as JSON.

Checked against the texts themselves: the names of the parts, columns and rows against the CSV templates of Annex I, and what
belongs in each cell against the instructions of Annex II (C(2024) 7005 final) of Implementing Regulation (EU) 2024/2835; the records
against the source of the transparency database. Not checked by a program of the EU: there is none for the CSV files, and the
database accepts records of onboarded platforms only. The same database and period give the same bytes.
"""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from folkmoot.base import ids
from folkmoot.base.db import ReadConn
from folkmoot.moderation.clauses.published import find_clause
from folkmoot.moderation.statements.queries import list_told_statements
from folkmoot.moderation.statements.transparency_record import find_faults, record_of
from folkmoot.moderation.transparency import categories, indicators, queries, texts
from folkmoot.moderation.transparency.model import Figures, Span
from folkmoot.network.activity.queries import average_members

BATCH = 100  # records in one call of the database (its API documentation, "Creating Multiple Statements")


class Imprint(NamedTuple):
    """What part 1 needs and the database does not contain. Dates as YYYY-MM-DD, may be empty."""

    provider: str
    published: str = ""
    previous: str = ""


class Batch(NamedTuple):
    """Statements for one call, and what the transparency database would refuse, as `puid: field: reason`."""

    name: str
    content: bytes
    number: int
    faults: list[str]


async def read_figures(conn: ReadConn, span: Span, service: str) -> Figures:
    return Figures(
        span=span, service=service, measures=await queries.list_measures(conn, span), notices=await queries.list_notices(conn, span),
        reports=await queries.list_reports(conn, span), responses=await queries.list_responses(conn, span),
        complaints=await queries.list_complaints(conn, span), outcomes=await queries.list_outcomes(conn, span),
        deciders=await queries.count_deciders(conn, span), recipients=await average_members(conn, span.first, span.last),
    )


def report_files(figures: Figures, imprint: Imprint) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each part, named as in Annex II."""
    for name, rows in (
        ("1_report_identification", indicators.identification(figures.service, *imprint, figures)),
        ("2_categories_names", categories.names()),
        ("3_member_states_orders", categories.orders(figures)),
        ("4_notices", categories.notices(figures)),
        ("5_own_initiative_illegal", categories.own_initiative(figures, of_terms=False)),
        ("6_own_initiative_TC", categories.own_initiative(figures, of_terms=True)),
        ("7_appeals_and_recidivism", indicators.complaints(figures)),
        ("8_automated_means", indicators.automated_means(figures)),
        ("9_human_resources", indicators.human_resources(figures)),
        ("10_AMAR", indicators.recipients(figures)),
        ("11_qualitative", texts.qualitative(figures)),
    ):
        yield f"{name}.csv", _csv(rows)


async def statement_batches(conn: ReadConn, span: Span, base_url: str) -> AsyncIterator[Batch]:
    """All statements of which their authors were told, oldest first."""
    after, end = span.ids[0] - 1, span.ids[1]
    number = 0
    while statements := await list_told_statements(conn, after, end, BATCH):
        records: list[dict[str, Any]] = [
            record_of(one, find_clause(one.clause, one.policy), base_url=base_url, written_at=ids.time_of(one.subject_id or one.account_id))
            for one in statements
        ]
        number, after = number + 1, statements[-1].id
        faults = [f"{record['puid']}: {fault}" for record in records for fault in find_faults(record)]
        content = msgspec.json.format(msgspec.json.encode({"statements": records}), indent=1) + b"\n"
        yield Batch(f"statements-{number:04}.json", content, len(records), faults)


def _csv(rows: Iterable[list[str]]) -> bytes:
    """RFC 4180 in UTF-8: lines end with CR LF, and what contains a comma, a quotation mark or a line is quoted."""
    made = io.StringIO(newline="")
    csv.writer(made, lineterminator="\r\n").writerows(rows)
    return made.getvalue().encode()
