"""Which pictures restic fetches together, and which ones somebody waits for."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from folkmoot.base.file_store import FileName
from folkmoot.portability.offsite.batches import BY_NAME, divide
from folkmoot.portability.offsite.wanted import Wanted


@pytest.mark.parametrize(("number", "limit"), [(0, 100), (BY_NAME, 1), (5000, 100_000), (5000, 10**9), (300, 1)])
def test_batches_contain_each_picture_once(number: int, limit: int) -> None:
    files = {FileName(number.to_bytes(2) * 16, "png").path: 100 for number in range(0, 13 * number, 13)}
    found = list(divide(files, limit=limit))
    assert sorted(path for batch in found for path in batch.paths) == sorted(files)
    for batch in found:
        others = files.keys() - set(batch.paths)
        assert all(fnmatchcase(f"/media/{path}", _anchored(batch.pattern)) for path in batch.paths if batch.pattern)
        assert not any(fnmatchcase(f"/media/{path}", _anchored(batch.pattern)) for path in others if batch.pattern)
        assert batch.pattern or len(batch.paths) <= BY_NAME


def _anchored(pattern: str) -> str:
    """restic takes a folder that matches with everything in it."""
    return pattern if pattern.count("/") == 3 else f"{pattern}/*"


def test_more_questions_than_the_limit_are_refused(open_folder: Path) -> None:
    (open_folder / "run").mkdir()
    wanted = Wanted(open_folder)
    names = [FileName(number.to_bytes(32), "png") for number in range(201)]
    assert [wanted.ask(name) for name in names] == [True] * 200 + [False]
    assert wanted.ask(names[0]), "one that waits already is asked together with the first"
    wanted.answer(names[0])
    assert wanted.ask(names[200])
