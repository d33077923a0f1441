"""`moot` as a process that kills itself at a line of the journal of upgrades: `python killed.py POINT PIDS ARGUMENT …`.

POINT: `before|STEP|OUTCOME` or `after|STEP|OUTCOME`, around the writing of that line. PIDS: further processes that die in the same
moment, as by a loss of power, with commas between them.
"""

import os
import signal
import sys
from contextlib import suppress
from typing import Any

from folkmoot.cli import main
from folkmoot.commands import upgrade_postgres
from folkmoot.portability.upgrade.journal import Journal


def die_at(point: str, others: list[int]) -> None:
    """Makes each line of the journal a place to die."""
    when, *place = point.split("|")
    append = Journal.append

    def die() -> None:
        for pid in others:
            with suppress(ProcessLookupError):  # a server that was exchanged
                os.kill(pid, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)

    def deadly(journal: Journal, release: str, step: str, outcome: str, **facts: Any) -> None:
        is_here = [step, outcome] == place
        if is_here and when == "before":
            die()
        append(journal, release, step, outcome, **facts)
        if is_here and when == "after":
            die()

    Journal.append = deadly  # type: ignore[method-assign]
    upgrade_postgres.restart_from_readable_copy = lambda _owner: "a copy would not die"  # type: ignore[attr-defined]


if __name__ == "__main__":
    die_at(sys.argv[1], [int(pid) for pid in sys.argv[2].split(",") if pid])
    sys.argv = ["moot", *sys.argv[3:]]
    main()
