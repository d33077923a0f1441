"""The categories of illegal content and of breaches of terms, as the EU has fixed them for transparency reports.

`categories.csv` is part 2 of the templates in Annex I of Implementing Regulation (EU) 2024/2835; the transparency database uses
the same codes. Each category has sub-categories, which these files call keywords. What no keyword covers is `KEYWORD_OTHER`, described
in words of one's own: here by the title of the rule.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from folkmoot.moderation.clauses.model import Clause

OTHER = "KEYWORD_OTHER"
OF_TERMS = "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"  # the only category that is no kind of illegal content
UNNAMED_BY_NOTIFIER = "STATEMENT_CATEGORY_NOT_SPECIFIED_NOTICE"
UNNAMED_BY_AUTHORITY = "STATEMENT_CATEGORY_NOT_SPECIFIED_ORDER"
# The EU renamed this category on 2025-07-01; published policies keep the name under which they were published.
_RENAMED = {"STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE": OF_TERMS}
# The keywords of the clauses that are shipped; a clause of a network's own gets its own row under KEYWORD_OTHER.
_KEYWORDS = {
    ("identity", "STATEMENT_CATEGORY_SCAMS_AND_FRAUD"): "KEYWORD_IMPERSONATION_ACCOUNT_HIJACKING",
    ("violence", "STATEMENT_CATEGORY_VIOLENCE"): "KEYWORD_INCITEMENT_VIOLENCE_HATRED",
    ("harassment", "STATEMENT_CATEGORY_CYBER_VIOLENCE"): "KEYWORD_CYBER_HARASSMENT",
    ("children", "STATEMENT_CATEGORY_PROTECTION_OF_MINORS"): "KEYWORD_CHILD_SEXUAL_ABUSE_MATERIAL",
}


class Line(NamedTuple):
    """One row of part 2."""

    label: str
    description: str
    code: str


class Category(NamedTuple):
    code: str
    keywords: tuple[str, ...]  # in their order, KEYWORD_OTHER last; empty for the two that stand for no category


@cache
def lines() -> tuple[Line, ...]:
    """All rows of part 2, of which the first is TOTAL."""
    text = files("folkmoot").joinpath("moderation", "clauses", "categories.csv").read_text("utf-8")
    return tuple(Line(*row) for row in csv.reader(text.splitlines()[1:]))


@cache
def categories() -> tuple[Category, ...]:
    """All categories, in the order of part 2."""
    found: list[tuple[str, list[str]]] = []
    for line in lines()[1:]:
        if line.code.startswith("KEYWORD_"):
            found[-1][1].append(line.code)
        else:
            found.append((line.code, []))
    return tuple(Category(code, tuple(keywords)) for code, keywords in found)


def category_of(clause: Clause) -> str:
    return _RENAMED.get(clause.category, clause.category)


def keyword_of(clause: Clause) -> str:
    """The keyword of a clause; KEYWORD_OTHER if none says what it is about."""
    return _KEYWORDS.get((clause.key, category_of(clause)), OTHER)


def is_alleged_illegal(clause: Clause) -> bool:
    """Whether saying that this clause is broken is an allegation of illegal content (DSA Art. 16), and not only of a breach of terms."""
    return category_of(clause) != OF_TERMS
