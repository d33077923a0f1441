"""Decides which rules a post meets. Pure: the facts have been read before.

Some facts cost much. So the rules that a text cannot meet, whatever those facts are, are left out first (`open_rules`), and only what
the others ask for is counted.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from folkmoot.moderation.rules.attributes import ATTRIBUTES, SAYS, Dear
from folkmoot.moderation.rules.conditions import holds, reason_of
from folkmoot.moderation.rules.model import Condition, Facts, Group, Quantifier, Rule, RuleSet
from folkmoot.moderation.rules.phrases import Phrases


class Met(msgspec.Struct, frozen=True):
    """A rule that a post meets, and by what. `removed_clause`: the clause for which a post with the same text was removed."""

    rule: Rule
    reasons: tuple[str, ...]
    removed_clause: str | None = None


class Evaluator:
    """The rules of one version, ready to be applied: their phrases are in one trie."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.dear = {rule.name: _dear_facts(rule) for rule in rules.rules}
        self._phrases = Phrases({
            condition: condition.choices
            for rule in rules.rules for group in rule.groups for condition in group.conditions if condition.attribute == SAYS
        })

    def evaluate(
        self, facts: Facts, words: Sequence[str], day: date, removed_clause: str | None = None, rules: Sequence[Rule] | None = None
    ) -> list[Met]:
        """`rules`: those that are still open; None: all."""
        said = self._phrases.find(words)
        return [
            Met(rule, _reasons(rule, facts, said), removed_clause)
            for rule in (self.rules.rules if rules is None else rules)
            if rule.is_valid(day) and all(_is_met(group, facts, said) for group in rule.groups)
        ]

    def open_rules(self, known: Facts, words: Sequence[str], day: date) -> list[Rule]:
        """The rules that a post may meet of which only some facts are known."""
        said = self._phrases.find(words)
        return [
            rule for rule in self.rules.rules if rule.is_valid(day) and all(_may_be_met(group, known, said) for group in rule.groups)
        ]


def _dear_facts(rule: Rule) -> Dear:
    """What a rule asks for that costs much."""
    found = Dear(0)
    for group in rule.groups:
        for condition in group.conditions:
            found |= ATTRIBUTES[condition.attribute].dear
    return found


def _may_be_met(group: Group, known: Facts, said: dict[Condition, str]) -> bool:
    found = [holds(condition, known, said) for condition in group.conditions if condition.attribute in known or condition.attribute == SAYS]
    if group.quantifier is Quantifier.ALL:
        return all(found)
    if group.quantifier is Quantifier.NONE:
        return not any(found)
    return any(found) or len(found) < len(group.conditions)


def _is_met(group: Group, facts: Facts, said: dict[Condition, str]) -> bool:
    found = (holds(condition, facts, said) for condition in group.conditions)
    if group.quantifier is Quantifier.ALL:
        return all(found)
    return any(found) is (group.quantifier is Quantifier.ANY)


def _reasons(rule: Rule, facts: Facts, said: dict[Condition, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(
        reason_of(condition, facts, said)
        for group in rule.groups if group.quantifier is not Quantifier.NONE
        for condition in group.conditions if holds(condition, facts, said)
    ))
