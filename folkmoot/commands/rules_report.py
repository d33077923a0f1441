"""What `moot rules test` and `moot rules trial` print: how much each rule has met, and how often it was right."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from folkmoot.moderation.rules.backtest import Result
from folkmoot.moderation.rules.model import Record, RuleSet, Trial, TrialResult


def share(precision: tuple[float, float, float] | None) -> str:
    return f"{precision[0]:.0%} ({precision[1]:.0%} to {precision[2]:.0%})" if precision else ""


def test_answer(rule_set: RuleSet, result: Result) -> dict[str, Any]:
    return {
        "version": rule_set.version, "posts": result.posts, "met": result.met, "newest_at": result.newest_at, "oldest_at": result.oldest_at,
        "texts_since": result.texts_since, "ended_by": result.ended_by,
        "rules": [_numbers(name, one.record, result.days, len(one.authors), one.examples) for name, one in result.rules.items()],
    }


def trial_answer(
    rule_set: RuleSet, trial: Trial, days: float, found: Mapping[str, TrialResult], examples: Mapping[int, str]
) -> dict[str, Any]:
    """`days`: how long it has lasted so far; `examples`: masked texts by post id."""
    nothing = TrialResult(record=Record(), authors=0, post_ids=())
    rules = []
    for rule in rule_set.rules:
        one = found.get(rule.name, nothing)
        texts = [examples[post_id] for post_id in one.post_ids if post_id in examples]
        rules.append(_numbers(rule.name, one.record, days, one.authors, texts))
    return {"version": trial.version, "started_at": trial.started_at, "ends_at": trial.ends_at, "rules": rules}


def _numbers(name: str, record: Record, days: float, authors: int, examples: Sequence[str]) -> dict[str, Any]:
    return {
        "name": name, "met": record.met, "per_day": round(record.met / days, 2) if record.met else 0.0, "authors": authors,
        "decided": record.decided, "violations": record.violations, "precision": record.precision, "examples": list(examples),
    }


def words_of_test(rule_set: RuleSet, result: Result) -> str:
    if result.newest_at is None or result.oldest_at is None:
        return "There are no posts of that time."
    lines = [
        f"{result.posts} posts from {result.oldest_at:%Y-%m-%d %H:%M} to {result.newest_at:%Y-%m-%d %H:%M} UTC,"
        f" version {rule_set.version}: {result.met} met ({result.met / max(result.posts, 1):.3%}).",
    ]
    if result.ended_by != "days":
        lines.append(f"The test ended at its limit of {result.ended_by}; older posts were not read.")
    if result.texts_since is None:
        lines.append("No earlier texts are remembered, so repeated texts were not recognised.")
    elif result.texts_since > result.oldest_at:
        lines.append(f"Repeated texts are recognised since {result.texts_since:%Y-%m-%d %H:%M} UTC.")
    return "\n".join([*lines, "", *_table(test_answer(rule_set, result)["rules"])])


def words_of_trial(answer: Mapping[str, Any], *, is_over: bool) -> str:
    times = f"from {answer['started_at']:%Y-%m-%d %H:%M} to {answer['ends_at']:%Y-%m-%d %H:%M} UTC"
    return "\n".join([
        f"Version {answer['version']}, {'tried' if is_over else 'on trial'} {times}, without any effect.", "", *_table(answer["rules"]),
        "", f"To put it in force: moot rules switch {answer['version']}",
    ])


def _table(rules: Sequence[Mapping[str, Any]]) -> list[str]:
    lines = [f"  {'rule':30} {'met':>6} {'a day':>8} {'authors':>8} {'decided':>8}  right"]
    for one in rules:
        numbers = f"  {one['name']:30} {one['met']:>6} {one['per_day']:>8.2f} {one['authors']:>8} {one['decided']:>8}"
        lines.append(f"{numbers}  {share(one['precision'])}".rstrip())
        lines += [f"      “{example}”" for example in one["examples"]]
    return lines


def days_of(trial: Trial, now: datetime) -> float:
    """How long a trial has lasted, at least an hour: for rates."""
    return max((min(now, trial.ends_at) - trial.started_at) / timedelta(days=1), 1 / 24)
