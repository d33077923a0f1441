"""`moot rules trial`: what the rules on trial have met. `moot rules publish --trial` starts a trial."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from folkmoot.base.errors import NotFound, Problem
from folkmoot.commands.options import data_option, json_option, open_database, run, settings_of, show


@click.command()
@click.option("--examples", type=click.IntRange(0, 20), default=3, show_default=True, help="Examples of each rule.")
@click.option("--end", is_flag=True, help="End the trial now.")
@data_option
@json_option
def trial(examples: int, end: bool, data: Path, as_json: bool) -> None:
    """Show what the rules on trial have met, and what people have decided about it.

    After its end too, until another trial begins. Names, links and numbers in the examples are masked.
    """
    from folkmoot.base import clock
    from folkmoot.commands.rules_report import words_of_trial

    answer = run(_trial(examples, data, is_ending=end))
    show(answer, as_json, words_of_trial(answer, is_over=answer["ends_at"] <= clock.now()))


async def _trial(examples: int, data: Path, *, is_ending: bool) -> dict[str, Any]:
    from folkmoot.base import clock
    from folkmoot.commands.rules_report import days_of, trial_answer
    from folkmoot.moderation.detection.queries import list_post_texts_unscoped
    from folkmoot.moderation.rules.actions import end_trial
    from folkmoot.moderation.rules.backtest import masked
    from folkmoot.moderation.rules.published import find_version
    from folkmoot.moderation.rules.queries.trials import list_tried
    from folkmoot.moderation.rules.queries.versions import find_trial

    async with open_database(settings_of(data)) as database:
        if is_ending:
            with suppress(NotFound):
                async with database.write() as tx:
                    await end_trial(tx)
        async with database.read() as conn:
            trial = await find_trial(conn)
            published = find_version(trial.version) if trial else None
            if trial is None or published is None:
                raise Problem("There is no trial. Start one with: moot rules publish FILE --trial")
            found = await list_tried(conn, trial.version, examples)
            texts = await list_post_texts_unscoped(conn, [post_id for one in found.values() for post_id in one.post_ids])
    shown = {one.subject_id: masked(one.text) for one in texts}
    return trial_answer(published.rules, trial, days_of(trial, clock.now()), found, shown)
