"""Measures which files a reader must open to follow a request or a command, by recording what runs.

A profile function records each call of a function in our code, templates included, with the file of its caller. These
files are not counted:

- `base/`, `config/`, and `http/`, the base of the two entry points: mechanisms that do not depend on posts or cases;
- the entry point itself: files that an unrelated small request through the same entry point runs too (measured);
- other nouns: a call into one is an action or a query, explained by its name and docstring (`open_case`, `note`);
- leaves: files that call no other file and no database: pure functions, structs, policy checks, parts of templates.

The queries of a noun count once, in `queries.py` or in a folder, because the name of each query explains its statement.

Run as a module it records a command: `python -m tests.architecture.walks RECORD COMMAND ...` writes the calls to RECORD.
"""

import json
import re
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from tests.architecture.sql import CODE

_PREFIX = f"{CODE}/"
DATABASE = "base/db.py"
MOST_FILES = 4


class Recording:
    """The files that ran, each with the files that it called."""

    def __init__(self, calls: Mapping[str, Iterable[str]] | None = None) -> None:
        self.calls = {file: set(called) for file, called in (calls or {}).items()}

    @contextmanager
    def on(self) -> Iterator["Recording"]:
        threading.setprofile(self._note)
        sys.setprofile(self._note)
        try:
            yield self
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _note(self, frame: FrameType, event: str, _argument: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(_PREFIX):
            return
        file = frame.f_code.co_filename.removeprefix(_PREFIX)
        self.calls.setdefault(file, set())
        caller = frame.f_back
        while caller is not None and not caller.f_code.co_filename.startswith(_PREFIX):
            caller = caller.f_back  # through asyncio, Jinja and the like
        if caller is not None and (origin := caller.f_code.co_filename.removeprefix(_PREFIX)) != file:
            self.calls.setdefault(origin, set()).add(file)


def files_to_open(request: Recording, entry: Recording, nouns: Iterable[str]) -> list[str]:
    """Applies the rule above. `nouns` of the request: folders of `network` or `moderation`, files of `portability` or `commands`."""
    own = {None, *nouns}

    def is_known(file: str) -> bool:
        return file in entry.calls or file.startswith(("base/", "config/", "http/"))

    def goes_on(file: str) -> bool:
        return any(called == DATABASE or not (is_known(called) or called.endswith("/model.py")) for called in request.calls[file])

    opened = {file for file in request.calls if _noun(file) in own and not is_known(file) and goes_on(file)}
    return sorted({re.sub(r"/queries/.*", "/queries", file) for file in opened})


def _noun(file: str) -> str | None:
    """`posts` for network/posts/queries.py, `restore` for portability/restore.py; None for other files."""
    part, _, rest = file.partition("/")
    if part in ("network", "moderation", "portability", "commands"):
        return rest.partition("/")[0].removesuffix(".py")
    return {"api/account_entities.py": "accounts", "api/media_entities.py": "media"}.get(file)


def _record_command() -> None:
    from folkmoot import cli

    record = Path(sys.argv.pop(1))
    recording = Recording()
    try:
        with recording.on():
            cli.main()
    finally:
        record.write_text(json.dumps({file: sorted(called) for file, called in recording.calls.items()}))


if __name__ == "__main__":
    _record_command()
