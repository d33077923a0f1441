"""The jury: how well it decides (synthetic jurors on the real code), how fast it draws, serves and counts, and twenty jurors at once.
Each part is a module in `benchmarks/judging`.

With `--small`, or with names of parts as arguments, nothing is written to the results; with `--keep` the rows of these parts are.
"""

import sys
from collections.abc import Awaitable
from typing import Protocol

from benchmarks.harness import Row, report, run
from benchmarks.judging import desk, door, simulated


class Part(Protocol):
    def __call__(self, *, is_small: bool) -> Awaitable[list[Row]]: ...


PARTS: dict[str, Part] = {"desk": desk.measure, "door": door.measure, "simulated": simulated.measure}


def main() -> None:
    is_small, is_kept = "--small" in sys.argv, "--keep" in sys.argv
    chosen = [name for name in sys.argv[1:] if not name.startswith("--")]
    rows: list[Row] = []
    for name, measure in PARTS.items():
        if not chosen or name in chosen:
            rows += run(measure(is_small=is_small))
    report("jury", rows, is_kept=not is_small and (is_kept or not chosen), is_part=bool(chosen))


if __name__ == "__main__":
    main()
