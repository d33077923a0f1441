"""SQL of stored figures. A trigger refuses changes of a final revision."""

from collections.abc import Sequence
from datetime import date, datetime

from folkmoot.base.db import ReadConn, Row, WriteTx
from folkmoot.moderation.measurement.model import Correction, Figure, FiguresOfMonth, Name, Period, Unit

_FIGURE = "name, scope, value, low, high, size"


async def figures_of_month(conn: ReadConn, month: date) -> FiguresOfMonth | None:
    """The newest revision for the month of this day; None if it was never computed. Two statements. Indexes: primary keys."""
    period = Period.of_month(month)
    revisions = await conn.fetch(
        "SELECT revision, computed_at, is_final, reason FROM measurements WHERE unit = $1 AND starts_on = $2 ORDER BY revision", *period
    )
    if not revisions:
        return None
    newest = revisions[-1]
    rows = await conn.fetch(
        f"SELECT {_FIGURE} FROM measured_figures WHERE unit = $1 AND starts_on = $2 AND revision = $3 ORDER BY name, scope",
        *period, newest["revision"],
    )
    return FiguresOfMonth(
        month=period.starts_on, revision=newest["revision"], computed_at=newest["computed_at"], is_final=newest["is_final"],
        figures=tuple(map(_figure, rows)),
        corrections=tuple(Correction(row["revision"], row["computed_at"], row["reason"]) for row in revisions[1:]),
    )


async def list_measured_months(conn: ReadConn, limit: int = 120) -> list[date]:
    """The first days of the months that have figures, newest first."""
    rows = await conn.fetch(
        f"SELECT DISTINCT starts_on FROM measurements WHERE unit = '{Unit.MONTH}' ORDER BY starts_on DESC LIMIT $1", limit
    )
    return [row["starts_on"] for row in rows]


async def list_figures_by_day(conn: ReadConn, since: date) -> list[tuple[date, Figure]]:
    """The figures of single days, oldest first."""
    rows = await conn.fetch(
        f"SELECT starts_on, {_FIGURE} FROM measured_figures WHERE unit = '{Unit.DAY}' AND starts_on >= $1"
        " AND revision = (SELECT max(m.revision) FROM measurements AS m WHERE m.unit = measured_figures.unit"
        "  AND m.starts_on = measured_figures.starts_on) ORDER BY starts_on, name, scope",
        since,
    )
    return [(row["starts_on"], _figure(row)) for row in rows]


async def list_unfinished(conn: ReadConn) -> list[Period]:
    """The periods whose figures are not final, oldest first."""
    rows = await conn.fetch("SELECT unit, starts_on FROM measurements WHERE NOT is_final ORDER BY starts_on, unit")
    return [Period(Unit(row["unit"]), row["starts_on"]) for row in rows]


async def find_newest(conn: ReadConn, period: Period) -> tuple[int, bool] | None:
    """(the newest revision, whether it is final)."""
    row = await conn.fetchrow(
        "SELECT revision, is_final FROM measurements WHERE unit = $1 AND starts_on = $2 ORDER BY revision DESC LIMIT 1", *period
    )
    return (row["revision"], row["is_final"]) if row else None


async def replace_figures(
    tx: WriteTx, period: Period, revision: int, figures: Sequence[Figure], computed_at: datetime, reason: str = ""
) -> None:
    """Stores the figures of a revision that is not final, in place of those that were computed before."""
    await tx.execute(
        "INSERT INTO measurements (unit, starts_on, revision, computed_at, reason) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT (unit, starts_on, revision) DO UPDATE SET computed_at = excluded.computed_at",
        *period, revision, computed_at, reason,
    )
    await tx.execute("DELETE FROM measured_figures WHERE unit = $1 AND starts_on = $2 AND revision = $3", *period, revision)
    await tx.executemany(
        f"INSERT INTO measured_figures (unit, starts_on, revision, {_FIGURE}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        [(*period, revision, one.name, one.scope, one.value, one.low, one.high, one.size) for one in figures],
    )


async def finish(tx: WriteTx, period: Period, revision: int) -> None:
    """Publishes a revision: nothing of it changes any more."""
    await tx.execute("UPDATE measurements SET is_final = true WHERE unit = $1 AND starts_on = $2 AND revision = $3", *period, revision)


def _figure(row: Row) -> Figure:
    return Figure(
        name=Name(row["name"]), scope=row["scope"], value=row["value"], low=row["low"], high=row["high"], size=row["size"],
    )
