"""`moot cases`: the open cases in the order of the queue, with the used share of their time."""

from pathlib import Path
from typing import Any

import click

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show
from folkmoot.moderation.cases.model import Share


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Maximum number of cases.")
@data_option
@json_option
def cases(limit: int, data: Path, as_json: bool) -> None:
    """List the open cases in the order in which they should be decided."""
    answer = run(_cases(limit, data))
    lines = [
        f"  {case['due_at']:%Y-%m-%d %H:%M} UTC  {_mark(case['used_percent']):12}  rule {case['rule']}  {case['subject']:7}"
        f"  {case['reports']:>3} reports, {case['signals']} signals  {_origin(case)}".rstrip()
        for case in answer["cases"]
    ]
    heading = f"{answer['open']} open cases: {answer['overdue']} overdue, {answer['late']} with less than a fifth of their time left."
    if answer["stuck"]:
        heading += (f"\n{answer['stuck']} cannot be decided, because all moderators are concerned."
                    " Appoint another one: moot account role NAME moderator")
    text = "\n".join([heading, *([f"  {'due':20}  {'time used':12}", *lines] if lines else [])])
    show(answer, as_json, text)


def _origin(case: dict[str, Any]) -> str:
    return "appeal" if case["is_appeal"] else "notice" if case["has_notice"] else ""


def _mark(used: float) -> str:
    """The used share of the time to decide, in the steps at which it is noted."""
    if used >= Share.OVER:
        return "OVERDUE"
    return next((f"over {share:d} %" for share in (Share.LATE, Share.HALF) if used >= share), "")


async def _cases(limit: int, data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.moderation.cases.queries import count_open, count_stuck, list_queue
    from folkmoot.moderation.clauses.published import clause_of
    from folkmoot.moderation.detection.queries import list_signals
    from folkmoot.moderation.notices.queries import list_noticed
    from folkmoot.moderation.reports.queries import count_reporters

    settings = settings_of(data)
    async with open_database(settings) as database, database.read() as conn:
        now = clock.now()
        waiting = await count_open(conn, now)
        stuck = await count_stuck(conn)
        found = await list_queue(conn, now, limit)
        reports = await count_reporters(conn, [case.id for case in found])
        noticed = await list_noticed(conn, [case.id for case in found])
        signals: dict[int, list[float]] = {}
        for signal in await list_signals(conn, [case.id for case in found]):
            signals.setdefault(signal.case_id, []).append(signal.score)
    return {
        "open": waiting.open, "late": waiting.late, "overdue": waiting.overdue, "stuck": stuck,
        "cases": [
            {
                "id": str(case.id), "subject": case.subject, "subject_id": str(case.subject_id), "clause": case.clause,
                "rule": clause_of(case.clause).number, "probability": round(case.probability, 4), "harm": round(case.harm, 4),
                "due_at": case.due_at, "used_percent": round(case.share_used(now), 1), "reports": reports.get(case.id, 0),
                "signals": len(signals.get(case.id, ())), "score": max(signals.get(case.id, ()), default=None), "is_appeal": case.is_appeal,
                "has_notice": case.id in noticed,
            }
            for case in found
        ],
    }
