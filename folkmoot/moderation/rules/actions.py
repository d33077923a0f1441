"""Publishes and tries rules, switches between their versions, and raises the signals of the rules that a post meets."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import Conflict, NotFound
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.clauses.markdown_file import Fault, hint, short
from folkmoot.moderation.clauses.model import Clause, Family, Policy, order_of
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.rules.evaluating import Met
from folkmoot.moderation.rules.material import Material
from folkmoot.moderation.rules.model import AS_REMOVED, DETECTOR, About, Measure, PublishedRules, Rule, Switch, Trial
from folkmoot.moderation.rules.published import find_rule, shipped
from folkmoot.moderation.rules.queries import versions as queries
from folkmoot.moderation.rules.rule_file import RuleFile, read_rules


class Checked(NamedTuple):
    """Rules that can be published, or the faults that prevent it."""

    published: PublishedRules | None
    faults: list[Fault]


def check_rules(source: str, own: Sequence[PublishedRules] | None, policy: Policy) -> Checked:
    """Reads rules and compares them with the policy in force and with the versions so far. `own`: the network's versions; None: they
    do not matter."""
    read = read_rules(source)
    if read.rules is None:
        return Checked(None, read.faults)
    faults = sorted([*_unknown_clauses(read, policy), *(_earlier_versions(read, own) if own is not None else ())])
    published = PublishedRules(rules=read.rules, source=source, published_at=clock.now())
    return Checked(None if faults else published, faults)


def _unknown_clauses(read: RuleFile, policy: Policy) -> list[Fault]:
    assert read.rules is not None
    known = [*(clause.key for clause in policy.clauses), *Family, AS_REMOVED]
    faults = []
    for rule in read.rules.rules:
        if rule.clause not in known and not (rule.clause.isdigit() and policy.numbered(int(rule.clause))):
            text = f"“{short(rule.clause)}” is no clause of the policy in force. {hint(rule.clause, known)}"
            faults.append(Fault(read.lines[rule.name], text))
    return faults


def _earlier_versions(read: RuleFile, own: Sequence[PublishedRules]) -> list[Fault]:
    assert read.rules is not None
    version = read.rules.version
    newest = max((one.version for one in (*shipped(), *own)), key=order_of)
    if order_of(version) > order_of(newest):
        return []
    day, number = order_of(newest)
    return [Fault(read.lines["Version"], f"version {version} is not later than {newest}. Write a later one, such as {day}.{number + 1}.")]


async def publish_rules(tx: WriteTx, source: str) -> Checked:
    """Stores rules and puts them in force; all processes follow within two seconds.

    Operators, on the command line. Writes rules.published to the journal. Changes nothing if there are faults.
    """
    checked = await _store(tx, source)
    if checked.published:
        await queries.insert_switch(tx, Switch(checked.published.version, checked.published.published_at))
        await _record(tx, Step.RULES_PUBLISHED, checked.published)
    return checked


async def try_rules(tx: WriteTx, source: str, lasts: timedelta) -> Checked:
    """Stores rules and applies them to new posts beside those in force, without any effect, until the time is over.

    Operators, on the command line. Writes rules.trial_started to the journal. Another trial ends. Changes nothing if there are faults.
    """
    checked = await _store(tx, source)
    if checked.published:
        started_at = checked.published.published_at
        await queries.insert_trial(tx, Trial(checked.published.version, started_at, started_at + lasts))
        await _record(tx, Step.RULES_TRIAL_STARTED, checked.published)
    return checked


async def _store(tx: WriteTx, source: str) -> Checked:
    await queries.lock_rules(tx)
    checked = check_rules(source, await queries.list_rules(tx), current())
    if checked.published and not await queries.insert_rules(tx, checked.published):
        raise Conflict(log_text="two sets of rules of one version at the same moment")
    return checked


async def _record(tx: WriteTx, step: Step, published: PublishedRules) -> None:
    await record_step(tx, step, case_id=None, rules=published.version, sha256=hashlib.sha256(published.source.encode()).hexdigest())


async def end_trial(tx: WriteTx) -> str:
    """Ends the trial before its time is over; returns its version. What it has met can still be read.

    Operators, on the command line. Writes rules.trial_ended to the journal. Raises NotFound without a trial.
    """
    await queries.lock_rules(tx)
    now = clock.now()
    trial = await queries.find_trial(tx)
    if trial is None or trial.ends_at <= now:
        raise NotFound
    await _end(tx, trial, now)
    return trial.version


async def _end(tx: WriteTx, trial: Trial, at: datetime) -> None:
    await queries.insert_trial(tx, Trial(trial.version, trial.started_at, at))
    await record_step(tx, Step.RULES_TRIAL_ENDED, case_id=None, rules=trial.version)


async def switch_rules(tx: WriteTx, version: str) -> Switch:
    """Puts a stored version in force: an earlier one again, or the one on trial, whose trial ends. All processes follow within two
    seconds. What the other rules did meanwhile stays.

    Operators, on the command line. Writes rules.switched to the journal. Raises NotFound.
    """
    await queries.lock_rules(tx)
    if version not in {one.version for one in (*shipped(), *await queries.list_rules(tx))}:
        raise NotFound
    switch = Switch(version, clock.now())
    trial = await queries.find_trial(tx)
    if trial and trial.version == version and switch.at < trial.ends_at:
        await _end(tx, trial, switch.at)
    await queries.insert_switch(tx, switch)
    await record_step(tx, Step.RULES_SWITCHED, case_id=None, rules=version)
    return switch


async def raise_met(tx: WriteTx, material: Material, met: Met, version: str) -> None:
    """Raises the signal of a rule that a post meets, with its measures. A rule about the author raises one a day at most."""
    rule = met.rule
    text = material.text if rule.about is About.POST else _of_author(material, rule)
    finding = Finding(
        score=rule.probability, queue=True, hide=Measure.HOLD in rule.measures, reasons=met.reasons, detector=DETECTOR + rule.name,
        version=version,
    )
    await raise_signal(tx, text, finding, clause_for(met), measures=rule.measures)


def clause_for(met: Met) -> Clause:
    """The clause that a rule suspects. One that the policy has dropped stands for itself, and an unknown one for rule breaking."""
    wanted = met.removed_clause or met.rule.clause
    policy = current()
    found = policy.find(wanted) or (policy.numbered(int(wanted)) if wanted.isdigit() else None)
    if found:
        return found
    if wanted in list(Family):
        return policy.of_family(Family(wanted))
    try:
        return clause_of(wanted)
    except NotFound:
        return policy.of_family(Family.RULES)


def reason_for(detector: str, version: str, language: str) -> str:
    """What an author is told about the rule that raised a signal; empty if it is unknown here."""
    rule = find_rule(detector.removeprefix(DETECTOR), version)
    return rule.text.get(language, rule.text["en"]) if rule else ""


def _of_author(material: Material, rule: Rule) -> ExaminedText:
    """What a signal about an author is about: this rule on this day, so that a flood is one signal, and one decision."""
    return ExaminedText(
        subject=Subject.ACCOUNT, subject_id=material.text.account_id, account_id=material.text.account_id, language=None,
        text=author_key(material, rule),
    )


def author_key(material: Material, rule: Rule) -> str:
    """The same for all signals that a rule raises about an author in a day."""
    return f"{DETECTOR}{rule.name} {material.at:%Y-%m-%d}"
