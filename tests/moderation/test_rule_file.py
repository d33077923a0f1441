"""The file of rules: every fault is found with its line, and the shipped rules are complete."""

import textwrap
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from folkmoot.moderation.clauses.model import Family
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.rules.actions import check_rules
from folkmoot.moderation.rules.attributes import ATTRIBUTES, Kind
from folkmoot.moderation.rules.conditions import read_condition, written
from folkmoot.moderation.rules.evaluating import Evaluator
from folkmoot.moderation.rules.model import AS_REMOVED, About, Measure, Quantifier, wilson
from folkmoot.moderation.rules.phrases import Phrases, words_of
from folkmoot.moderation.rules.published import shipped
from folkmoot.moderation.rules.rule_file import read_rules
from tests.moderation.rule_sets import rule_file

_GOOD = rule_file("addresses >= 3", measures="label, limit", valid_from="2030-02-01", valid_until="2030-02-28")


def test_a_complete_rule_is_read() -> None:
    read = read_rules(_GOOD)
    assert not read.faults
    assert read.rules
    rule, = read.rules.rules
    assert (rule.name, rule.about, rule.clause, rule.probability) == ("test", About.POST, "spam", 0.5)
    assert rule.measures == (Measure.LABEL, Measure.LIMIT)
    assert rule.groups[0].quantifier is Quantifier.ALL
    assert rule.title == {"en": "A test", "cs": "Zkouška"}
    assert [rule.is_valid(date(2030, 2, day)) for day in (1, 28)] == [True, True]
    assert [rule.is_valid(date(2030, month, 1)) for month in (1, 3)] == [False, False]


@pytest.mark.parametrize(("old", "new", "at", "says"), [
    ("Version: 2030-01-10", "Version: soon", "Version", "is a date such as"),
    ("Version: 2030-01-10", "", "# Rules", "the version is missing"),
    ("## test", "## Test 1", "## Test 1", "small letters"),
    ("Clause: spam", "Clause:", "## test", "lacks “Clause”"),
    ("Clause: spam", "Clause: spma", "Clause", "Did you mean “spam”?"),
    ("Clause: spam", "Clause: as removed", "## test", "needs “repeats a removed post”"),
    ("Probability: 0.5", "Probability: 0,5", "Probability", "Write no comma"),
    ("Probability: 0.5", "Probability: 0.0", "Probability", "above 0"),
    ("Probability: 0.5", "Chance: 0.5", "Chance", "“Chance” is not known"),
    ("Measures: label, limit", "Measures: remove", "Measures", "is no measure"),
    ("Measures: label, limit", "Measures: hold, limit", "Measures", "on hold"),
    ("Measures: label, limit", "Measures: limit\nAbout: author", "Measures", "before people decide"),
    ("Measures: label, limit", "About: nobody", "About", "the post or the author"),
    ("Valid until: 2030-02-28", "Valid until: 2030-01-01", "Valid until", "is before"),
    ("Valid until: 2030-02-28", "Valid until: spring", "Valid until", "is a date"),
    ("- addresses >= 3", "- addresses", "- addresses", "with a sign and a whole number"),
    ("- addresses >= 3", "- adresses >= 3", "- adresses", "Did you mean “addresses”?"),
    ("- addresses >= 3", "- posts in the last hour > 5000", "- posts", "counted up to 200"),
    ("- addresses >= 3", "- account age < 3", "- account age", "and a time"),
    ("- addresses >= 3", "- is a reply = yes", "- is a reply", "alone"),
    ("- addresses >= 3", "- visibility = secret", "- visibility", "“secret” is not known"),
    ("- addresses >= 3", "- language = klingonsky", "- language", "is not known"),
    ("- addresses >= 3", "- says: b*", "- says", "letters before *"),
    ("- addresses >= 3", "- says: *money", "- says", "only at the end"),
    ("- addresses >= 3", "- says: …", "- says", "has no word"),
    ("- addresses >= 3", "", "All of", "has no condition"),
    ("All of:", "None of:", "## test", "nearly every post"),
    ("All of:", "All off:", "All off", "Write “All of:”"),
    ("All of:", "", "- addresses", "above this list"),
    ("### Čeština: Zkouška", "### Česky: Zkouška", "### Česky", "begin with"),
    ("### Čeština: Zkouška\n\nTohle je zkouška.", "", "## test", "no reason in Čeština"),
    ("This is a test.", "", "### English", "what the author is told"),
    ("### English: A test", "### English:", "### English", "write a title"),
])
def test_a_fault_names_its_line_and_the_remedy(old: str, new: str, at: str, says: str) -> None:
    assert old in _GOOD
    source = _GOOD.replace(old, new, 1)
    faults = check_rules(source, [], current()).faults
    assert faults
    lines = source.splitlines()
    assert any(says in fault.text and lines[fault.line - 1].startswith(at) for fault in faults), faults


@pytest.mark.parametrize(("changed", "is_met"), [
    ({}, True), ({"addresses": 2}, False), ({"is a reply": False}, True), ({"is a reply": False, "has a poll": False}, False),
    ({"followers": 100}, False), ({"language": "de"}, False),
])
def test_a_rule_is_met_if_each_of_its_groups_is(changed: dict[str, Any], is_met: bool) -> None:
    groups = "- addresses >= 3\n- language = cs, en\n\nAny of:\n- is a reply\n- has a poll\n\nNone of:\n- followers >= 100\n- says: vtip"
    read = read_rules(_GOOD.replace("- addresses >= 3", groups))
    assert read.rules, read.faults
    facts = {"addresses": 3, "language": "cs", "is a reply": True, "has a poll": True, "followers": 99} | changed
    evaluator = Evaluator(read.rules)
    met = evaluator.evaluate(facts, ["dobry", "den"], date(2030, 2, 1))
    assert bool(met) is is_met
    assert evaluator.evaluate(facts, ["to", "byl", "vtip"], date(2030, 2, 1)) == []
    assert evaluator.evaluate(facts, [], date(2030, 3, 1)) == []
    if not changed:
        assert met[0].reasons == ("addresses=3", "language=cs", "is a reply", "has a poll")


def test_all_faults_of_a_file_are_reported_at_once() -> None:
    source = _GOOD.replace("Clause: spam", "Clause:").replace("0.5", "much").replace("- addresses >= 3", "- nothing")
    assert len(check_rules(source, [], current()).faults) == 3


@pytest.mark.parametrize("version", ["2026-11-29", "2020-01-01"])
def test_a_version_is_later_than_those_before(version: str) -> None:
    fault, = check_rules(rule_file("is a reply", version=version), [], current()).faults
    assert "is not later than 2026-11-29. Write a later one, such as 2026-11-29.2" in fault.text


def test_a_set_without_rules_switches_all_off() -> None:
    assert check_rules("# Rules for posts\n\nVersion: 2030-01-01\n", [], current()).published


def test_the_shipped_rules_are_complete_and_name_clauses_of_the_shipped_policy() -> None:
    for published in shipped():
        for rule in published.rules.rules:
            assert rule.clause in (*(clause.key for clause in current().clauses), *Family, AS_REMOVED)


def test_every_attribute_can_be_a_condition() -> None:
    values = {Kind.NUMBER: " >= 2", Kind.TIME: " < 2 hours", Kind.FLAG: "", Kind.PHRASES: ": slovo"}
    for name, attribute in ATTRIBUTES.items():
        value = f" = {(attribute.choices or ('cs',))[0]}" if attribute.kind is Kind.CHOICE else values[attribute.kind]
        assert read_condition(name + value).attribute == name
        assert written(read_condition(name + value)) == name + value


def test_a_time_is_written_in_its_largest_unit() -> None:
    assert [written(read_condition(f"account age < {time}")) for time in ("72 hours", "90 minutes", "1 day")] == [
        "account age < 3 days", "account age < 90 minutes", "account age < 1 days"]


def test_the_guide_lists_every_attribute_and_its_example_is_a_valid_file() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "operate" / "rules.md").read_text("utf-8")
    listed = [line for line in guide.splitlines() if line.startswith("| `") and line.count("|") == 4]
    rows = [f"| `{name}` | {one.kind.name.lower()} | {one.about} |" for name, one in ATTRIBUTES.items()]
    assert listed[-len(rows):] == rows
    example = guide.partition("## The file\n\n")[2].partition("\n| line |")[0]
    checked = check_rules(textwrap.dedent(example), [], current())
    assert not checked.faults
    assert checked.published


@pytest.mark.parametrize(("phrase", "text", "is_met"), [
    ("levn* půjčk*", "Nabízíme LEVNÉ   pujcky ihned", True),
    ("levn* půjčk*", "levné auto a drahé půjčky", False),
    ("free money", "get fr33 m0ney now", True),
    ("free money", "freemasons and money", False),
    ("na prodej", "je to na prodejně", False),
    ("konec", "konec", True),
    ("jedna dvě tři čtyři pět šest sedm osm", "no a jedna dvě tři čtyři pět šest sedm osm", True),
])
def test_phrases_are_found_by_whole_words_in_any_disguise(phrase: str, text: str, is_met: bool) -> None:
    assert bool(Phrases({1: [phrase]}).find(words_of(text))) is is_met


def test_phrases_of_several_owners_are_found_in_one_pass() -> None:
    phrases = Phrases({"one": ["auto", "kolo"], "two": ["aut* na prodej", "dům"], "three": ["auto na"]})
    assert phrases.find(words_of("Auto na prodej, kolo zdarma")) == {"one": "auto", "two": "aut* na prodej", "three": "auto na"}


def test_many_overlapping_phrases_cost_no_more_than_words_times_their_length() -> None:
    """Counted, not timed: nested prefixes on a text of one word are the worst case."""
    visited = 0
    phrases = Phrases({number: ["aaaa* " * 7 + "bbbb"] for number in range(50)})
    node = phrases._root
    while node.prefixes:
        visited += 1
        node, = next(iter(node.prefixes.values())).values()
    assert visited == 7
    assert phrases.find(["aaaaaaaa"] * 5000) == {}


def test_the_interval_of_a_share_is_known() -> None:
    assert [round(value, 3) for value in wilson(9, 10)] == [0.596, 0.982]
    assert [round(value, 3) for value in wilson(0, 5)] == [0.0, 0.434]
