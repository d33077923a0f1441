"""Decides which rules a post meets. Pure: the facts have been read before."""

from collections.abc import Sequence
from datetime import date

import msgspec

from folkmoot.moderation.rules.attributes import SAYS
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
        self._phrases = Phrases({
            condition: condition.choices
            for rule in rules.rules for group in rule.groups for condition in group.conditions if condition.attribute == SAYS
        })

    def evaluate(self, facts: Facts, words: Sequence[str], day: date, removed_clause: str | None = None) -> list[Met]:
        said = self._phrases.find(words)
        return [
            Met(rule, _reasons(rule, facts, said), removed_clause)
            for rule in self.rules.rules
            if rule.is_valid(day) and all(_is_met(group, facts, said) for group in rule.groups)
        ]


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
