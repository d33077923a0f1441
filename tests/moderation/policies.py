"""Policies for tests: the shipped file in other words, and publishing it as the command does."""

from folkmoot.base.db import Database
from folkmoot.moderation.clauses.actions import Checked, publish_policy
from folkmoot.moderation.clauses.published import shipped
from folkmoot.moderation.clauses.watching import PolicyWatch


def edited(version: str, *pairs: tuple[str, str], begins: str = "") -> str:
    """The shipped policy as a file of another version, with words replaced."""
    source = shipped()[-1].source.replace(f"Version: {shipped()[-1].version}", f"Version: {version}")
    if begins:
        source = source.replace(f"Version: {version}", f"Version: {version}\nIn force from: {begins}")
    for old, new in pairs:
        assert old in source, old
        source = source.replace(old, new)
    return source


def without(source: str, number: int) -> str:
    """The file without one rule, whose families move to the first."""
    start = source.index(f"## {number}. ")
    end = source.find("\n## ", start)
    dropped = source[start:] if end < 0 else source[start:end + 1]
    families = dropped.partition("Reported as: ")[2].partition("\n")[0]
    return source.replace(dropped, "").replace("Reported as: misleading\n", f"Reported as: misleading, {families}\n", 1)


async def publish(database: Database, source: str) -> Checked:
    async with database.write() as tx:
        checked = await publish_policy(tx, source, "Europe/Prague")
    await PolicyWatch(database).refresh()
    return checked
