"""Which pictures restic fetches together, and which ones somebody waits for."""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from folkmoot.base.file_store import FileName
from folkmoot.portability.offsite import batches
from folkmoot.portability.offsite.batches import divide
from folkmoot.portability.offsite.wanted import Wanted


@pytest.mark.parametrize(("number", "step", "limit", "longest"), [
    (0, 1, 100, ""), (5, 1, 1, ""), (1000, 13, 10**9, "/media"), (5000, 13, 40_000, "/media/?*"), (5000, 13, 3_000, "/media/??"),
    (1024, 1, 2_000, "/media/??/???*"),
])
def test_batches_contain_each_picture_once(monkeypatch: pytest.MonkeyPatch, number: int, step: int, limit: int, longest: str) -> None:
    """`longest`: the pattern with the most of a hash; there is more of it in smaller batches."""
    monkeypatch.setattr(batches, "BY_NAME", 5)
    files = {FileName(number.to_bytes(2) * 16, "png").path: 100 for number in range(0, step * number, step)}
    found = list(divide(files, limit=limit))
    assert sorted(path for batch in found for path in batch.paths) == sorted(files)
    assert fnmatchcase(max((batch.pattern for batch in found), key=lambda pattern: (len(pattern), "*" not in pattern), default=""), longest)
    for batch in found:
        matching = [path for path in files if fnmatchcase(f"/media/{path}", _anchored(batch.pattern))] if batch.pattern else batch.paths
        assert sorted(matching) == sorted(batch.paths)
        assert batch.pattern or len(batch.paths) <= 5


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
