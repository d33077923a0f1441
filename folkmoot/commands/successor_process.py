"""The process of a new release that supervises its processes: started by the running supervisor, not by people."""

import sys

from folkmoot.base import log
from folkmoot.commands.successor import Predecessor
from folkmoot.commands.supervisor import Supervisor
from folkmoot.portability.data_directory import DataDirectory


def main() -> None:
    predecessor = Predecessor(*map(int, sys.argv[1:]))
    settings = predecessor.settings()
    log.set_up(settings.log.level, settings.log.format)
    directory = DataDirectory(settings.data)
    Supervisor(settings, directory, predecessor.listener, None, predecessor).run(predecessor.note_ready)


if __name__ == "__main__":
    main()
