"""The words of a decision by a jury, in the language of the author."""

from folkmoot.base.i18n import Translator
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.juries.counting import Count
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.verdicts.model import LONGEST_EXPLANATION


def explain(translator: Translator, count: Count, clause: Clause | None) -> str:
    """What the author reads: who decided, how, and the rule that is broken (None: none is)."""
    found = Answer.BREACH if clause else Answer.HARMLESS
    numbers: dict[str, object] = {"count": len(count.ballots), "found": sum(one.answer is found for one in count.ballots)}
    if clause is None:
        return translator.sentence(
            "A jury of %(count)d members, drawn at random, has read it without knowing who wrote it. %(found)d of them found that it"
            " breaks no rule.", numbers,
        )
    text = translator.sentence(
        "A jury of %(count)d members, drawn at random, has read it without knowing who wrote it. %(found)d of them found that it breaks"
        " a rule.", numbers,
    )
    language = translator.language
    return f"{text} {clause.title[language]}: {clause.text[language]}"[:LONGEST_EXPLANATION]
