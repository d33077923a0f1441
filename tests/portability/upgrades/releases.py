"""Other releases of this code, made by copying it and changing something."""

import shutil
from pathlib import Path

from tests.network_up import ROOT

_PARTS = ("folkmoot", "bin", "requirements", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml")
MORE = """\
-- Why: a test of upgrades.
-- Locks: posts for an instant, no table is rewritten.
-- Kind: expand.

ALTER TABLE posts ADD COLUMN more text;
"""


def copy_code(folder: Path, version: str = "0.2.0") -> Path:
    """A release with another version. Compiled modules are copied too, because its first process would compile all anew; files that
    are changed later are compiled again."""
    for name in _PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("*.pyc.*"))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    change(folder / "folkmoot" / "__init__.py", '__version__ = "0.1.0"', f'__version__ = "{version}"')
    return folder


def add_migration(release: Path, text: str = MORE, name: str = "9000_more.sql") -> None:
    (release / "folkmoot" / "migrations" / name).write_text(text)


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file} has {text.count(old)} of: {old}"
    file.write_text(text.replace(old, new))
