"""What a policy is. No input or output.

A clause is one numbered rule. Its key never changes; its number is shown to members and typed by moderators.
"""

from datetime import date

import msgspec

from folkmoot.base.errors import NotFound

Texts = dict[str, str]  # by language


class Clause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One rule. `severity` of a clear breach, 0 to 1; `hours` until it must be decided; `category` as in statements of reasons
    under DSA Art. 17 and 24(5)."""

    number: int
    key: str
    severity: float
    hours: int
    category: str
    title: Texts
    text: Texts
    breaks: dict[str, list[str]]
    keeps: dict[str, list[str]]


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All clauses of one version, which is named by its date."""

    version: str
    clauses: tuple[Clause, ...]

    @property
    def date(self) -> date:
        return date.fromisoformat(self.version)

    def clause(self, key: str) -> Clause:
        """Raises NotFound."""
        for clause in self.clauses:
            if clause.key == key:
                return clause
        raise NotFound

    def numbered(self, number: int) -> Clause | None:
        return next((clause for clause in self.clauses if clause.number == number), None)
