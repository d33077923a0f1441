"""Moderation under load: noise, many reports on one post, colluding reporters, the way from publishing to hidden, twenty moderators
at once, and how soon a decision takes effect. Each part is a module in `benchmarks/moderating`.

With names of parts as arguments only these run, and nothing is written to the results; with `--keep` the rows of these parts are.
"""

import sys
from collections.abc import Awaitable, Callable

from benchmarks.harness import Row, report, run
from benchmarks.moderating import colluders, doors, hiding, noise, one_post, room

PARTS: dict[str, Callable[[], Awaitable[list[Row]]]] = {
    "noise": noise.measure, "one_post": one_post.measure, "colluders": colluders.measure, "hiding": hiding.measure, "room": room.measure,
    "doors": doors.measure,
}


def main() -> None:
    chosen = [name for name in sys.argv[1:] if not name.startswith("--")]
    rows: list[Row] = []
    for name, measure in PARTS.items():
        if not chosen or name in chosen:
            rows += run(measure())
    report("moderation", rows, is_kept="--keep" in sys.argv or not chosen, is_part=bool(chosen))


if __name__ == "__main__":
    main()
