"""The file in which operators write the rules: it is read exactly, and every fault names its line and the remedy."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from folkmoot.moderation.clauses.model import MEASURES, Family, PublishedPolicy, compare
from folkmoot.moderation.clauses.policy_file import read_policy
from folkmoot.moderation.clauses.published import shipped
from folkmoot.moderation.restrictions.model import Kind
from tests.moderation.policies import edited
from tests.series import length

_LINES = shipped()[-1].source.splitlines()


def _line_of(source: str, text: str) -> int:
    return next(number for number, line in enumerate(source.splitlines(), start=1) if text in line)


@pytest.mark.parametrize("published", shipped(), ids=lambda one: one.version)
def test_a_shipped_version_covers_every_family(published: PublishedPolicy) -> None:
    assert read_policy(published.source).policy == published.policy
    assert {family for clause in published.policy.clauses for family in clause.families} == set(Family)


def test_the_usual_measures_are_those_that_exist() -> None:
    assert tuple(kind.value for kind in Kind if kind is not Kind.DELETE) == MEASURES, "an account is not usually deleted"


def test_only_changed_rules_differ_between_two_versions() -> None:
    new = read_policy(edited("2027-01-10", ("Do not hound people", "Let people be"), ("Severity: 0.3", "Severity: 0.4"))).policy
    assert new
    assert dict(compare(shipped()[-1].policy, new)) == {"harassment": "changed"}


@pytest.mark.parametrize(("old", "new", "at", "says"), [
    ("Severity: 0.9", "Severity: 0,9", "Severity: 0,9", "Write a point, not a comma"),
    ("Severity: 0.9", "Severty: 0.9", "Severty: 0.9", "Did you mean “Severity”?"),
    ("Severity: 0.9\n", "", "## 2. violence", "the rule lacks “Severity”"),
    ("Decide within: 24 hours", "Decide within: soon", "within: soon", "“24 hours” or “7 days”"),
    ("Usual measures: label", "Usual measures: lable", "lable", "Did you mean “label”?"),
    ("Reported as: rules\n", "Reported as: rulez\n", "rulez", "Did you mean “rules”?"),
    ("DSA category: VIOLENCE", "DSA category: VIOLENCE, SELF_HARM", "VIOLENCE, SELF_HARM", "exactly one"),
    ("## 2. violence", "## Violence", "## Violence", "begins with its number and its key"),
    ("## 2. violence", "## 2. Násilí", "## 2. Násilí", "small letters"),
    ("## 2. violence", "## 3. violence", "## 3. harassment", "number 3 belongs to the rule in line"),
    ("## 2. violence", "##2. violence", "##2. violence", "a space after the # signs"),
    ("### Čeština: Nikoho nepronásledujte", "### Cesky: Nikoho nepronásledujte", "### Cesky", "“### Čeština: ”"),
    ("### Čeština: Nikoho nepronásledujte", "### English: Do not", "### English: Do not\n", "has English twice"),
    ("### English: Do not hound people", "### English:", "### English:\n", "write a title"),
    ("Porušuje:\n- Nezakrytá fotografie nehody se zraněnými\n", "", "### Čeština: Zakryjte", "a line “Porušuje:”"),
    ("Porušuje:\n- Nezakrytá", "Breaks it:\n- Nezakrytá", "Breaks it:\n- Nezakrytá", "is called “Porušuje:”"),
    ("Porušuje:\n- Nezakrytá", "Porusuje:\n- Nezakrytá", "Porusuje:", "Write “Porušuje:”"),
    ("- Socha v muzeu", "Socha v muzeu a hned vedle\n\nještě jedna", "ještě jedna", "Begin it with “- ”"),
    ("Reported as: violence, self-harm", "Reported as: violence", "# Rules", "no rule is “Reported as” self-harm"),
    ("Version: 2027-01-10", "Version: 10. 1. 2027", "Version: 10", "a date such as"),
    ("Version: 2027-01-10\n", "", "# Rules", "the version is missing"),
    ("Version: 2027-01-10", "Version: 2027-01-10\nIn force from: 2027-02-30", "In force from", "such as 2026-12-15"),
    ("# Rules\n", "# Rules\nThese are our rules.\n", "These are our rules.", "belongs to nothing"),
    ("### Čeština\n\nBod 2", "### Slovensky\n\nBod 2", "### Slovensky", "not with “### Slovensky”"),
])
def test_a_fault_names_its_line_and_the_remedy(old: str, new: str, at: str, says: str) -> None:
    source = edited("2027-01-10", (old, new))
    read = read_policy(source)
    assert read.policy is None
    line = source[: source.index(at)].count("\n") + 1
    assert [fault for fault in read.faults if fault.line == line and says in fault.text], read.faults


def test_all_faults_are_found_at_once_in_the_order_of_lines() -> None:
    source = edited("2027-01-10", ("Severity: 0.9", "Severity: high"), ("Usual measures: label", "Usual measures: eat"))
    faults = read_policy(source).faults
    assert [fault.line for fault in faults] == [_line_of(source, "Severity: high"), _line_of(source, "Usual measures: eat")]


def test_long_lines_may_be_broken_and_windows_line_ends_are_read() -> None:
    source = edited(
        "2027-01-10", ("do not call for it, do not wish", "do not call for it,\ndo not wish"),
        ("- A statue in a museum", "- A statue\n  in a museum"),
    )
    assert read_policy("\ufeff" + source.replace("\n", "\r\n")).policy == read_policy(edited("2027-01-10")).policy


def test_what_changes_may_be_a_list() -> None:
    read = read_policy(edited("2027-01-10", ("Rule 2 now says", "- Rule 2 now says")))
    assert read.policy
    assert read.policy.changes["en"].startswith("– Rule 2 now says")


@settings(max_examples=length(30, 1000))
@given(st.integers(0, len(_LINES) - 1), st.sampled_from(["", "#", "## ", "### ", "- ", ":", "x", "Severity:", "\x00", "9" * 400]))
def test_no_change_of_a_line_breaks_the_reader(position: int, put: str) -> None:
    """Either the file is complete, or at least one fault says why not."""
    lines = [*_LINES]
    lines[position] = put
    read = read_policy("\n".join(lines))
    assert (read.policy is None) == bool(read.faults)
    assert all(1 <= fault.line <= len(lines) and fault.text for fault in read.faults)
