"""A drill: restores the newest backup into a temporary folder, to prove that it can be restored.

It uses the host's own key. It checks that the sealed secrets are the bytes that the signed manifest names, but cannot
open them: that needs the recovery key. No worker runs on the copy, because it would send mail in the name of the network.
The command reads timelines from the copy; this package does not know what a timeline is.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import Progress
from folkmoot.portability.rebuild import remove
from folkmoot.portability.restore import Restorable

_FOLDER = "drill"


@contextmanager
def rehearsed(plan: Restorable, data: DataDirectory, progress: Progress) -> Iterator[tuple[DataDirectory, Postgres]]:
    """A restored copy with a running database, compared and migrated as `moot up` does. The end of the block removes it."""
    with data.exclusively("drill"):
        folder = data.path / _FOLDER
        remove(folder)
        folder.mkdir(mode=0o700)
        data.set_owner(folder)
        try:
            with plan.rebuilt(folder, data, progress) as copy:
                asyncio.run(migrate(copy[1].dsn))  # after the comparison: an older Folkmoot may have signed the tables
                yield copy
        finally:
            remove(folder)
