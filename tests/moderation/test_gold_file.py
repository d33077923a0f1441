"""The questions of the training: the shipped file, faults in others, and drawing."""

import random

import pytest

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.published import shipped
from folkmoot.moderation.jurors.gold_file import FEWEST_PER_LANGUAGE, Question, lacking, read_gold
from folkmoot.moderation.jurors.model import FEWEST_BREACHES, MOST_BREACHES, QUESTIONS, Choices
from folkmoot.moderation.jurors.questions import TooFewQuestions, draw_questions, fitting, likely_clauses, questions_of, shipped_source
from tests.series import length

POLICY = shipped()[-1].policy
CLAUSES = [clause.key for clause in POLICY.clauses]
SHIPPED = questions_of(shipped_source())
BOTH = Choices(languages=("cs", "en"))
ONE = """## bars
Breaks: violence
Also right: harassment
### English
Context: In a quarrel.
> Bring the bars,
> all of you.
Why: It calls people
to an attack.
"""


def test_shipped_questions_have_no_fault_and_cover_each_rule_from_both_sides() -> None:
    read = read_gold(shipped_source(), CLAUSES)
    assert read.faults == []
    assert lacking(read.questions, CLAUSES) == []
    assert all(set(question.wordings) == set(LANGUAGES) for question in read.questions)
    assert len(read.questions) >= FEWEST_PER_LANGUAGE


def test_a_question_is_read_with_its_lines() -> None:
    [fault] = read_gold(ONE, CLAUSES).faults
    assert "English has 1 questions" in fault.text
    many = "".join(ONE.replace("## bars", f"## bars-{number}") for number in range(20))
    harmless = many.replace("Breaks: violence\nAlso right: harassment", "Breaks: nothing\nLooks like: violence").replace("bars-", "no-")
    read = read_gold(many + harmless, CLAUSES)
    assert read.faults == []
    first, last = read.questions[0], read.questions[-1]
    wording = first.wordings["en"]
    assert (wording.text, wording.why) == ("Bring the bars,\nall of you.", "It calls people to an attack.")
    assert wording.context == "In a quarrel."
    assert (first.breaks, first.topic, first.also_right) == ("violence", "violence", ("harassment",))
    assert (last.breaks, last.topic) == ("", "violence")
    answers = ("violence", "harassment", "spam", "", None)
    assert [first.is_right(answer) for answer in answers] == [True, True, False, False, False]
    assert [last.is_right(answer) for answer in answers] == [False, False, False, True, False]


@pytest.mark.parametrize(("right", "wrong", "line", "words"), [
    ("## bars", "## Bars at noon", 1, "small letters"),
    ("Breaks: violence\n", "", 1, "lacks “Breaks: ”"),
    ("Breaks: violence", "Breaks: violense", 2, "Did you mean “violence”?"),
    ("Breaks: violence", "Break: violence", 2, "Did you mean “Breaks”?"),
    ("Also right: harassment", "Also right: noise", 3, "cannot be right as well"),
    ("Also right: harassment", "Looks like: spam", 3, "for questions that break nothing"),
    ("Breaks: violence", "Breaks: nothing", 1, "lacks “Looks like: ”"),
    ("### English", "### Klingon", 4, "is not known"),
    ("### English", "### Čeština", 5, "“Souvislost:”"),
    ("> Bring the bars,\n> all of you.\n", "", 1, "no words to judge"),
    ("Why: It calls people\nto an attack.\n", "", 1, "no explanation"),
    ("> all of", "all of", 7, "begin the words to judge"),
])
def test_faults_name_their_line_and_the_way_out(right: str, wrong: str, line: int, words: str) -> None:
    assert right in ONE
    faults = read_gold(ONE.replace(right, wrong), CLAUSES).faults
    assert any(fault.line == line and words in fault.text for fault in faults), faults


def test_a_key_is_there_only_once() -> None:
    assert any("there twice" in fault.text and fault.line == 10 for fault in read_gold(ONE + ONE, CLAUSES).faults)


def _draw(generator: random.Random, choices: Choices = BOTH, seen: list[str] | None = None) -> list[tuple[Question, str]]:
    return draw_questions(SHIPPED, choices, seen or [], generator.randrange)


def test_a_training_has_questions_of_both_kinds_in_the_languages_and_topics_of_the_juror() -> None:
    generator = random.Random(1)
    counts, languages = set(), set()
    for _ in range(length(60, 2000)):
        avoided = tuple(generator.sample(CLAUSES, generator.randrange(5)))
        spoken = tuple(generator.sample(("cs", "en", "de"), 3)[:2])
        drawn = _draw(generator, Choices(languages=spoken, avoided=avoided))
        assert len({question.key for question, _ in drawn}) == QUESTIONS
        assert not {question.topic for question, _ in drawn} & set(avoided)
        assert {language for _, language in drawn} <= set(spoken) & {"cs", "en"}
        counts.add(sum(bool(question.breaks) for question, _ in drawn))
        languages |= {language for _, language in drawn}
    assert languages == {"cs", "en"}
    assert min(counts) >= FEWEST_BREACHES
    assert len(counts) > 1
    assert max(counts) <= MOST_BREACHES


def test_a_second_training_has_other_questions() -> None:
    for seed in range(20):
        generator = random.Random(seed)
        first = [question.key for question, _ in _draw(generator)]
        assert not {question.key for question, _ in _draw(generator, seen=first)} & set(first)


def test_too_few_questions_are_said_and_not_drawn() -> None:
    with pytest.raises(TooFewQuestions):
        _draw(random.Random(1), Choices(languages=("de",)))
    with pytest.raises(TooFewQuestions):
        _draw(random.Random(1), Choices(languages=("en",), avoided=tuple(CLAUSES[:7])))


def test_questions_of_dropped_rules_are_left_out() -> None:
    without = type(POLICY)(POLICY.version, tuple(clause for clause in POLICY.clauses if clause.key != "violence"))
    left = fitting(SHIPPED, without)
    assert left
    assert {key for key in fitting(SHIPPED, POLICY) if key not in left} == {one.key for one in SHIPPED if one.topic == "violence"}


def test_the_order_of_rules_tells_nothing_and_is_the_same_for_one_juror() -> None:
    for question in SHIPPED:
        places = set()
        for juror in range(30):
            likely = likely_clauses(question.near, question.key, POLICY, juror)
            assert likely == likely_clauses(question.near, question.key, POLICY, juror)
            assert len(set(likely)) == len(likely) >= 3
            places.add(likely.index(question.topic))
        assert len(places) >= 3
