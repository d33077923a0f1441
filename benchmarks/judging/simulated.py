"""The table of `moot jury simulate`: how well juries decide at four shares of bad faith, beside rules that count heads."""

import time

import msgspec

from benchmarks.harness import Row
from folkmoot.commands.simulated_network import Task, play_all
from folkmoot.moderation.jury.synthetic import World
from folkmoot.moderation.jury.trial import HEADS
from folkmoot.moderation.simulation.heads import count_heads
from folkmoot.moderation.simulation.results import TARGETS, Played, Result, summarize

LEVELS = (0.0, 0.1, 0.2, 0.3)
NETWORKS = 2
SEED = 1
LONGEST = 600  # seconds, of one share on two processors
_FIGURES = ("accuracy", "wrong_removals", "missed", "gap", "votes_per_case", "to_staff")


async def measure(*, is_small: bool) -> list[Row]:
    world = World(jurors=40, cases=20, authors=60, follows=8) if is_small else World(jurors=120, cases=600, authors=120)
    rows = []
    for level in LEVELS:
        here = msgspec.structs.replace(world, bad_faith=level)
        for rule in HEADS:
            networks = [Played(outcomes=count_heads(here, SEED + number, rule)) for number in range(NETWORKS)]
            rows += _rows(summarize(rule, level, networks, SEED), ("accuracy", "wrong_removals", "missed", "gap"))
        began = time.monotonic()
        played = play_all([Task(number=number, world=here, seed=SEED + number) for number in range(NETWORKS)], lambda _decided: None)
        took = time.monotonic() - began
        rows += _rows(summarize("folkmoot", level, played, SEED), _FIGURES)
        rows.append(Row(f"{level:.0%} bad faith, folkmoot: time of {NETWORKS * here.cases} cases", took, "s", f"<= {LONGEST}",
                        took <= LONGEST))
    return rows


def _rows(one: Result, figures: tuple[str, ...]) -> list[Row]:
    """The value of each figure; for the jury also the ends of its interval."""
    rows = []
    is_ours = one.rule == "folkmoot"
    targets = {name: (limit, is_more_better) for name, limit, is_more_better in TARGETS.get(one.bad_faith, ())} if is_ours else {}
    for name in figures:
        value, low, high = (round(getattr(end, name), 4) for end in (one.figures, one.low, one.high))
        said = f"{one.bad_faith:.0%} bad faith, {one.rule}: {name.replace('_', ' ')}"
        if name in targets:
            limit, is_more_better = targets[name]
            holds = value >= limit if is_more_better else value <= limit
            rows.append(Row(said, value, "", f"{'>=' if is_more_better else '<='} {limit:g}", holds))
        else:
            rows.append(Row(said, value, ""))
        if is_ours:
            rows += [Row(f"{said}, {end} end of 95 %", bound, "") for end, bound in (("lower", low), ("upper", high))]
    return rows
