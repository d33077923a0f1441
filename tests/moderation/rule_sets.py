"""Rules for tests: a file with one rule, publishing it as the command does, and posts of accounts that are older than a second."""

from datetime import timedelta

from folkmoot.base.db import Database
from folkmoot.moderation.rules.actions import Checked, publish_rules
from folkmoot.moderation.rules.watching import RuleWatch
from folkmoot.network.accounts.model import Account

VERSION = "2030-01-10"


def rule_file(*conditions: str, version: str = VERSION, name: str = "test", **fields: str) -> str:
    """A file with one rule that meets posts for which all these conditions hold. `fields`: of the rule, with `_` for a space."""
    given = {"Clause": "spam", "Probability": "0.5"} | {key.capitalize().replace("_", " "): value for key, value in fields.items()}
    lines = [f"{key}: {value}" for key, value in given.items() if value]
    return "\n".join([
        "# Rules for posts", "", f"Version: {version}", "", f"## {name}", "", *lines, "",
        "All of:", *(f"- {one}" for one in conditions), "",
        "### English: A test", "", "This is a test.", "", "### Čeština: Zkouška", "", "Tohle je zkouška.", "",
    ])


async def publish(database: Database, source: str) -> Checked:
    async with database.write() as tx:
        checked = await publish_rules(tx, source)
    assert not checked.faults, checked.faults
    await RuleWatch(database).refresh()
    return checked


async def age(database: Database, account: Account, days: float) -> None:
    """Makes an account older."""
    async with database.write() as tx:
        await tx.execute("UPDATE accounts SET created_at = created_at - $2::interval WHERE id = $1", account.id, timedelta(days=days))
