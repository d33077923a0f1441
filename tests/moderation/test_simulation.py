"""Simulated networks: the real jury decides, the rules for comparison hear the same answers, and the figures are counted rightly."""

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.juries.replay import replay_case
from folkmoot.moderation.jury.model import Answer, Camp
from folkmoot.moderation.jury.synthetic import World
from folkmoot.moderation.jury.trial import HEADS, RULES, Figures, Outcome, measure
from folkmoot.moderation.simulation.answers import Answers
from folkmoot.moderation.simulation.charts import CHARTS, draw_charts
from folkmoot.moderation.simulation.course import Course
from folkmoot.moderation.simulation.flood import Flood
from folkmoot.moderation.simulation.heads import count_heads, synthetic_network
from folkmoot.moderation.simulation.results import Played, Result, summarize
from tests.series import is_long
from tests.village import settings_for

_SMALL = World(jurors=26, cases=10, authors=40, follows=6)


async def test_simulated_cases_are_decided_by_the_jury_of_the_network(db: Database, dsn: str, tmp_path: Path) -> None:
    with clock.drawn_from("a test"):
        played = await Course(db, settings_for(tmp_path, dsn), _SMALL, seed=1).run()
    assert len(played.outcomes) == _SMALL.cases
    by_jury = [one for one in played.outcomes if one.finding is not None]
    assert sum(played.reasons.values()) == len(played.outcomes) - len(by_jury)
    async with db.read() as conn:
        cases = [row["id"] for row in await conn.fetch("SELECT id FROM cases ORDER BY id")]
        replays = [await replay_case(conn, case_id) for case_id in cases]
        answered = await conn.fetchval("SELECT count(*) FROM jury_seats WHERE state = 'answered'")
        among_cases, trained = [await conn.fetchval(
            f"SELECT count(*) FROM gold_answers WHERE answered_at IS NOT NULL AND (attempt = 0) = {kind}"
        ) for kind in ("true", "false")]
        first, last = [await conn.fetchval(f"SELECT {which} FROM verdicts") for which in ("min(made_at)", "max(settled_at)")]
        tied = await conn.fetchval(
            "SELECT count(*) FROM jury_seats AS s JOIN cases AS c ON c.id = s.case_id JOIN follows AS f"
            " ON (f.account_id, f.target_id) = (s.account_id, c.account_id) OR (f.target_id, f.account_id) = (s.account_id, c.account_id)"
        )
    assert not [replay.differences for replay in replays if replay.differences]
    assert sum(bool(replay.counts) for replay in replays) >= len(by_jury) > _SMALL.cases // 2
    assert answered == sum(one.votes for one in played.outcomes)
    assert (among_cases > 0, trained >= 10 * played.jurors, tied) == (True, True, 0)
    assert first.year == last.year == 2026
    assert sum(played.seconds) > 5 * answered  # who answers works


@pytest.mark.skipif(not is_long(), reason="some minutes")
async def test_a_flood_is_worked_off_threats_first_and_no_deadline_is_missed(db: Database, dsn: str, tmp_path: Path) -> None:
    """As many cases for each juror as 26,000 are for 800; a moderator decides 40 a day."""
    world = World(jurors=40, cases=1300, authors=100, follows=6, bad_faith=0.1)
    with clock.drawn_from("a flood"):
        drained = await Flood(db, settings_for(tmp_path, dsn), world, seed=2, moderators=1, threats=0.25).drain()
    assert (drained.undecided, drained.late, drained.in_time + drained.covered) == (0, 0, world.cases)
    assert drained.minutes <= 120
    assert drained.most_items <= 40
    assert drained.first_half > drained.threats, "the gravest come first"
    assert drained.right >= 0.95


def test_all_rules_hear_the_same_answers_whoever_asks_first() -> None:
    people, cases = synthetic_network(_SMALL, 3)
    forward, backward = Answers(_SMALL, 3), Answers(_SMALL, 3)
    asked = [(juror, case) for case in cases for juror in people.jurors.values()]
    said = [forward.to_case(juror, case) for juror, case in asked]
    assert said == list(reversed([backward.to_case(juror, case) for juror, case in reversed(asked)]))
    other = Answers(_SMALL, 4)
    assert said != [other.to_case(juror, case) for juror, case in asked]


def test_heads_are_counted_as_the_rules_say() -> None:
    world = World(jurors=60, cases=250, authors=40, follows=4)
    single, three, four = (count_heads(world, 5, rule) for rule in ("single", "3 of 5", "4 of 5"))
    assert [one.truth for one in single] == [one.truth for one in four]
    assert {(one.votes, one.finding is None) for one in four} == {(5, False)}
    removed = [[one.finding is Answer.BREACH for one in outcomes] for outcomes in (three, four)]
    assert all(by_three or not by_four for by_three, by_four in zip(*removed, strict=True)), "the same five answer"
    assert sum(removed[0]) > sum(removed[1])
    assert measure(three).accuracy > measure(single).accuracy + 0.05
    sure = World(jurors=20, cases=40, authors=40, follows=4, skill=30.0, skill_spread=0.0, bad_faith=0.0)
    assert [measure(count_heads(sure, 5, rule)).accuracy for rule in HEADS] == [1.0] * len(HEADS)


def _outcomes(wrong: int, of: int) -> list[Outcome]:
    return [
        Outcome(Answer(number % 2), Camp(number // 2 % 2), Answer((number + (number < wrong)) % 2), None, 5) for number in range(of)
    ]


def test_intervals_hold_the_value_narrow_with_more_cases_and_targets_are_compared() -> None:
    few, many = (summarize("folkmoot", 0.2, [Played(outcomes=_outcomes(size // 10, size))] * 2, seed=1) for size in (50, 500))
    for one in (few, many):
        assert one.figures.accuracy == pytest.approx(0.9)
        assert one.low.accuracy < 0.9 < one.high.accuracy
    assert many.high.accuracy - many.low.accuracy < (few.high.accuracy - few.low.accuracy) / 2
    assert many.missed_targets() == ["accuracy", "wrong_removals", "missed"]
    unlike = summarize("folkmoot", 0.2, [Played(outcomes=_outcomes(wrong, 100)) for wrong in (0, 20)], seed=1)
    assert unlike.low.accuracy < unlike.figures.accuracy < unlike.high.accuracy < 0.97
    assert not summarize("3 of 5", 0.2, [Played(outcomes=_outcomes(5, 50))], seed=1).missed_targets()
    assert not summarize("folkmoot", 0.3, [Played(outcomes=_outcomes(2, 500))], seed=1).missed_targets()


def test_charts_are_drawn_to_scale_and_tell_their_numbers_in_words() -> None:
    def result(rule: str, value: float) -> Result:
        figures = [Figures(**dict.fromkeys(Figures.__struct_fields__, value + step)) for step in (0.0, -0.02, 0.02)]
        return Result(rule=rule, bad_faith=0.2, cases=9, networks=1, figures=figures[0], low=figures[1], high=figures[2], reasons={})

    drawn = draw_charts([result(rule, 0.80 + 0.03 * place) for place, rule in enumerate(RULES)])
    assert drawn.keys() == CHARTS.keys()
    svg = ET.fromstring(drawn["accuracy"])
    space = "{http://www.w3.org/2000/svg}"
    words = svg.find(f"{space}desc")
    assert words is not None
    assert "20% bad faith, folkmoot: 92.0% (90.0% to 94.0%)." in str(words.text)
    bars = [(float(line.attrib["y1"]), float(line.attrib["y2"])) for line in svg.iter(f"{space}line") if line.get("class") == "bar"]
    assert len(bars) == len(RULES)
    assert bars == sorted(bars, reverse=True), "more is higher up"
    lengths = [bottom - top for top, bottom in bars]
    assert max(lengths) - min(lengths) < 0.3
    targets = [line for line in svg.iter(f"{space}line") if line.get("class") == "target"]
    assert len(targets) == 2, "that of 20 % bad faith, and its key"
    assert "200%" not in drawn["votes_per_case"], "answers are no share"


def test_a_seed_repeats_draws_and_never_secrets() -> None:
    seen = []
    for _ in range(2):
        with clock.drawn_from("a seed"):
            seen.append(([clock.draw(10**9) for _ in range(3)], clock.token(), clock.random_bytes(16)))
    (one, token, key), (other, other_token, other_key) = seen
    assert one == other
    assert token != other_token
    assert key != other_key
    assert [clock.draw(10**9) for _ in range(3)] != one
