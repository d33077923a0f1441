"""A drill: the newest backup is brought back into a throw-away folder, so that nobody has to believe that it works.

It uses the host's own key. Of the sealed secrets it proves that they are the bytes that the signed manifest names;
opening them needs the recovery key and is for the yearly rehearsal. No worker ever runs on the copy: it would send
mail in the network's name. What is asked of the copy is the command's business, which may know what a timeline is.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from folkmoot.base.migrate import migrate
from folkmoot.portability.data_directory import DataDirectory
from folkmoot.portability.postgres import Postgres
from folkmoot.portability.progress import Progress
from folkmoot.portability.rebuild import Plan, rebuilt, remove

_FOLDER = "drill"


@contextmanager
def rehearsed(plan: Plan, data: DataDirectory, progress: Progress) -> Iterator[tuple[DataDirectory, Postgres]]:
    """The copy of a network, its database running, compared, and brought up to date as `moot up` would; it is gone when the block ends."""
    with data.alone("drill"):
        folder = data.path / _FOLDER
        remove(folder)
        folder.mkdir(mode=0o700)
        data.give(folder)
        try:
            with rebuilt(plan, folder, data, progress) as copy:
                asyncio.run(migrate(copy[1].dsn))  # only now: what was compared is as it was signed, perhaps by an older Folkmoot
                yield copy
        finally:
            remove(folder)
