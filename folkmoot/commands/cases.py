"""`moot cases`: what waits for a decision, in the order in which moderators are given it."""

from pathlib import Path
from typing import Any

import click

from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show


@click.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="At most so many cases.")
@data_option
@json_option
def cases(limit: int, data: Path, as_json: bool) -> None:
    """What waits for a decision, most urgent first."""
    answer = run(_cases(limit, data))
    lines = [
        f"  {case['due_at']:%Y-%m-%d %H:%M} UTC  rule {case['rule']}  {case['subject']:7}  {case['reports']:>3} reports,"
        f" {case['signals']} signals  {'second look' if case['is_appeal'] else ''}".rstrip()
        for case in answer["cases"]
    ]
    heading = f"{answer['open']} open cases, {answer['overdue']} beyond their time."
    text = "\n".join([heading, *([f"  {'due':22}", *lines] if lines else [])])
    show(answer, as_json, text)


async def _cases(limit: int, data: Path) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.moderation.cases.queries import count_open, list_queue
    from folkmoot.moderation.clauses.published import current
    from folkmoot.moderation.detection.queries import list_signals
    from folkmoot.moderation.reports.queries import count_reports

    settings = settings_of(data)
    async with open_database(settings) as database, database.read() as conn:
        waiting = await count_open(conn, clock.now())
        found = await list_queue(conn, clock.now(), limit)
        reports = await count_reports(conn, [case.id for case in found])
        signals: dict[int, list[float]] = {}
        for signal in await list_signals(conn, [case.id for case in found]):
            signals.setdefault(signal.case_id, []).append(signal.score)
    return {
        "open": waiting.open, "overdue": waiting.overdue, "stuck": waiting.stuck,
        "cases": [
            {
                "id": str(case.id), "subject": case.subject, "subject_id": str(case.subject_id), "clause": case.clause,
                "rule": current().clause(case.clause).number, "probability": round(case.probability, 4), "harm": round(case.harm, 4),
                "due_at": case.due_at, "reports": reports.get(case.id, 0), "signals": len(signals.get(case.id, ())),
                "score": max(signals.get(case.id, ()), default=None), "is_appeal": case.is_appeal,
            }
            for case in found
        ],
    }
