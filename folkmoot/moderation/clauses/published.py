"""The policies of this network, read from the files in this folder: one per version; the newest is in force.

Each verdict names the version under which it was reached, so earlier files must stay.
"""

import tomllib
from functools import cache
from importlib.resources import files

import msgspec

from folkmoot.base.errors import NotFound
from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.model import Clause, Policy


@cache
def policies() -> dict[str, Policy]:
    """Every version, oldest first. Raises ValueError for an incomplete file."""
    folder = files("folkmoot").joinpath("moderation", "clauses")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".toml"))
    found = {}
    for name in names:
        policy = msgspec.convert(tomllib.loads(folder.joinpath(name).read_text("utf-8")), Policy)
        _check(policy, name)
        found[policy.version] = policy
    return found


def current() -> Policy:
    """The policy in force."""
    return list(policies().values())[-1]


def policy(version: str) -> Policy:
    """Raises NotFound for an unknown version."""
    if version not in policies():
        raise NotFound
    return policies()[version]


def find_clause(key: str, version: str) -> Clause:
    """A clause in the text of that version."""
    return policy(version).clause(key)


def _check(policy: Policy, name: str) -> None:
    if f"{policy.version}.toml" != name:
        raise ValueError(f"{name} says that it is version {policy.version}")
    if [clause.number for clause in policy.clauses] != list(range(1, len(policy.clauses) + 1)):
        raise ValueError(f"{name} does not number its clauses from 1")
    for clause in policy.clauses:
        for texts in (clause.title, clause.text, clause.breaks, clause.keeps):
            if set(texts) != set(LANGUAGES):
                raise ValueError(f"{name}: clause {clause.key} is not in every language")
