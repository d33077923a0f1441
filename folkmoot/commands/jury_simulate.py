"""`moot jury simulate`: synthetic jurors in real juries, compared with rules that count heads. Needs no network."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from folkmoot.base import clock
from folkmoot.commands.options import json_option, show

if TYPE_CHECKING:
    from folkmoot.moderation.jury.synthetic import World
    from folkmoot.moderation.simulation.results import Result

_OURS = "folkmoot"
_RULES = ("single", "3 of 5", "4 of 5", "5 of 7", _OURS)
_LEVELS = (0.0, 0.1, 0.2, 0.3)
_SHARE = click.FloatRange(0, 1)
_COLUMNS = ("accuracy", "wrong_removals", "missed", "gap", "votes_per_case", "to_staff")


@click.command()
@click.option("--bad-faith", "levels", type=_SHARE, multiple=True, help="Share of the jurors in bad faith; can be repeated.",
              show_default="0, 0.1, 0.2 and 0.3")
@click.option("--rule", "rules", type=click.Choice(_RULES), multiple=True, help="Which rule; can be repeated.", show_default="all")
@click.option("--cases", type=click.IntRange(1), default=1200, show_default=True, help="At each share, in all networks together.")
@click.option("--networks", type=click.IntRange(1, 50), default=2, show_default=True,
              help="Networks that share the cases, each with jurors of its own; two run at once on two processors.")
@click.option("--jurors", type=click.IntRange(24), default=120, show_default=True, help="In each network.")
@click.option("--skill", type=click.FloatRange(0.51, 0.99), default=0.87, show_default=True,
              help="Share of usual cases in which a juror in good faith is right.")
@click.option("--one-camp", type=_SHARE, default=0.7, show_default=True, help="Share of those in bad faith who are of the same camp.")
@click.option("--patience", type=click.IntRange(0), default=0, show_default=True,
              help="Answers that a juror in bad faith gives in good faith first.")
@click.option("--absence", type=click.FloatRange(0, 0.9), default=0.15, show_default=True, help="Share of days without a juror.")
@click.option("--seconds", type=click.FloatRange(1, 600), default=20.0, show_default=True, help="Median time of an answer.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Other seeds have other people and cases.")
@click.option("--charts", type=click.Path(file_okay=False, path_type=Path), help="Also write the figures as SVG files into this folder.")
@json_option
def simulate(
    levels: Sequence[float], rules: Sequence[str], cases: int, networks: int, jurors: int, skill: float, one_camp: float, patience: int,
    absence: float, seconds: float, seed: int, charts: Path | None, as_json: bool,
) -> None:
    """Measure how well juries decide, with synthetic jurors.

    They are drawn, asked and counted by the code of a network, on databases that are thrown away. The rules for comparison count heads of
    members drawn at random, who give the same answers. No network is needed or touched.

    \b
    Example, some minutes on two processors:
      moot jury simulate --bad-faith 0.2 --rule folkmoot --json
    """
    from folkmoot.moderation.jury.synthetic import World

    world = World(
        jurors=jurors, cases=max(1, cases // networks), authors=max(100, jurors), captured_in_one=one_camp, patience=patience,
        skill=math.log(skill / (1 - skill)), absent=absence, seconds=seconds,
    )
    began = clock.monotonic()
    results = _measure(world, sorted(set(levels or _LEVELS)), [one for one in _RULES if one in (rules or _RULES)], networks, seed, as_json)
    written = _write_charts(charts, results) if charts else []
    facts = {"cases": world.cases * networks, "networks": networks, "jurors": jurors, "seed": seed,
             "seconds": round(clock.monotonic() - began, 1)}
    answer = _row(results[0]) | facts if len(results) == 1 else {"rows": [_row(one) for one in results], **facts}
    show(answer, as_json, "\n".join([*_table(results), "", *_notes(results, facts), *(f"Written: {path}" for path in written)]))


def _measure(
    world: "World", levels: Sequence[float], rules: Sequence[str], networks: int, seed: int, as_json: bool
) -> "list[Result]":
    from folkmoot.commands.simulated_network import Task, play_all
    from folkmoot.moderation.simulation.heads import count_heads
    from folkmoot.moderation.simulation.results import Played, summarize

    worlds = [(level, msgspec.structs.replace(world, bad_faith=level), seed + number) for level in levels for number in range(networks)]
    played: dict[tuple[float, int], Played] = {}
    if _OURS in rules:
        tasks = [Task(number=number, world=one, seed=its_seed) for number, (_, one, its_seed) in enumerate(worlds)]
        with progress(sum(one.cases for _, one, _ in worlds), as_json) as tell:
            found = play_all(tasks, tell)
        played = {(level, its_seed): one for (level, _, its_seed), one in zip(worlds, found, strict=True)}
    return [
        summarize(rule, level, [
            played[level, its_seed] if rule == _OURS else Played(outcomes=count_heads(one, its_seed, rule))
            for at, one, its_seed in worlds if at == level
        ], seed)
        for level in levels for rule in rules
    ]


@contextmanager
def progress(total: int, as_json: bool) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, if that is a terminal."""
    if as_json or not sys.stderr.isatty():
        yield lambda _decided: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("  cases decided"), BarColumn(24), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        bar = bars.add_task("", total=total)
        yield lambda decided: bars.update(bar, completed=decided)


def _row(one: "Result") -> dict[str, Any]:
    figures = {name: round(getattr(one.figures, name), 4) for name in _COLUMNS}
    intervals = {name: [round(getattr(end, name), 4) for end in (one.low, one.high)] for name in _COLUMNS}
    return {"rule": one.rule, "bad_faith": one.bad_faith, **figures, "by_jury": round(one.figures.by_jury, 4), "intervals": intervals,
            "reasons": one.reasons, "missed_targets": one.missed_targets()}


def _table(results: "Sequence[Result]") -> list[str]:
    heads = ("accuracy", "removed wrongly", "missed", "gap", "votes", "to staff")
    lines = [f"{'bad faith':>9}  {'rule':9}" + "".join(f"{head:>19}" for head in heads)]
    for one in results:
        cells = []
        for name in _COLUMNS:
            value, low, high = (getattr(end, name) for end in (one.figures, one.low, one.high))
            cells.append(f"{value:.2f} ({low:.2f}–{high:.2f})" if name == "votes_per_case" else f"{value:.3f} ({low:.3f}–{high:.3f})")
        lines.append(f"{one.bad_faith:>9.0%}  {one.rule:9}" + "".join(f"{cell:>19}" for cell in cells))
    return lines


def _notes(results: "Sequence[Result]", facts: dict[str, Any]) -> list[str]:
    lines = [f"{facts['cases']} cases at each share, in {facts['networks']} networks of {facts['jurors']} jurors; {facts['seconds']:.0f} s."
             " In brackets: 95 % intervals over the cases.",
             "Cases that moderators decide count in the first four columns with what moderators find."]
    for one in results:
        if missed := one.missed_targets():
            lines.append(f"Targets missed at {one.bad_faith:.0%} bad faith: {', '.join(missed)}.")
    return lines


def _write_charts(folder: Path, results: "Sequence[Result]") -> list[Path]:
    from folkmoot.moderation.simulation.charts import draw_charts

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in draw_charts(results).items():
        path = folder / f"{name}.svg"
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written
