"""Programs hide a limited number of posts of one author in a day, and an author gets one mail a day about posts."""

import asyncio
from datetime import timedelta
from email import message_from_bytes
from email.policy import default

from folkmoot.base import clock
from folkmoot.moderation.cases.model import Case, Lane, Subject
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.restrictions.jobs import hide_overdue
from folkmoot.moderation.statements.jobs import mail_authors
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court

_MOST = 5  # moderation.hidden_per_author


async def _signalled(court: Court, *numbers: int, name: str = "author") -> list[PostView]:
    """Posts over the hide threshold. Their signals are raised before the worker hears of any, and it hears of all at once."""
    views = [await court.village.write(name, f"Dobrý den {number}") for number in numbers]
    async with court.database.write() as tx:
        for view in views:
            await raise_signal(tx, ExaminedText(
                subject=Subject.POST, subject_id=view.post.id, account_id=view.post.author.id, language="cs", text=view.post.text,
            ), Finding(score=0.9, queue=True, hide=True, reasons=(), detector="says", version="1"))
    await asyncio.gather(*(court.village.work() for _ in range(3)))
    return views


async def _seen(court: Court, views: list[PostView]) -> list[bool]:
    return [await court.sees("reader", view) for view in views]


async def _case_of(court: Court, view: PostView) -> Case:
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


def _mails(court: Court, name: str, *texts: str) -> list[tuple[str, str]]:
    """(subject, text) of each mail to a member, oldest first."""
    mails = [
        message_from_bytes(file.read_bytes(), policy=default)
        for text in texts for file in sorted((court.village.settings.data / "outbox").glob(f"*-{text}.eml"))
    ]
    return [(str(mail["Subject"]), mail.get_content()) for mail in mails if mail["To"] == f"{name}@example.org"]


async def test_programs_hide_a_few_posts_of_an_author_in_a_day_and_call_people_about_the_others(court: Court) -> None:
    views = await _signalled(court, *range(_MOST + 3))
    seen = await _seen(court, views)
    assert seen.count(False) == _MOST
    assert len([kind for kind, _ in await court.told("author") if kind == "statement"]) == _MOST
    withheld = [await _case_of(court, view) for view, is_seen in zip(views, seen, strict=True) if is_seen]
    assert {case.lane for case in withheld} == {Lane.THREAT}
    assert [await court.journal(case) for case in withheld] == [["case.opened", "signal.raised", "hiding.withheld"]] * 3
    for name in ("moderator", "other_moderator"):
        [(_, text)] = _mails(court, name, "hiding_withheld")  # one for three posts
        assert any(f"/moderate/cases/{case.id}\n" in text for case in withheld)
        assert f"Their number: {_MOST}." in text
    assert await _seen(court, await _signalled(court, 100, name="reporter")) == [False]  # another author
    with clock.stopped_at(clock.now() + timedelta(days=1, minutes=5)):
        assert await _seen(court, await _signalled(court, 101)) == [False]


async def test_what_people_have_restricted_as_well_is_not_counted_and_what_they_have_kept_is(court: Court) -> None:
    views = await _signalled(court, *range(_MOST))
    await court.decide("moderator", await _case_of(court, views[0]), "keep")
    assert await _seen(court, await _signalled(court, 100)) == [True]
    verdict_case = await _case_of(court, views[1])
    await court.decide("moderator", verdict_case, "remove")
    assert await _seen(court, await _signalled(court, 101, 102)) in ([False, True], [True, False])


async def test_what_is_hidden_at_a_deadline_is_not_counted(court: Court) -> None:
    reported = [await court.village.write("author", f"Už brzy {number}") for number in range(_MOST)]
    for view in reported:
        await court.report("reporter", view, clauses=("violence",))
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await hide_overdue(court.database)
        await court.village.work()
        assert await _seen(court, await _signalled(court, 100)) == [False]
    assert await _seen(court, reported) == [False] * _MOST


async def test_an_author_gets_one_mail_a_day_about_posts_and_each_mail_about_the_account_at_once(court: Court) -> None:
    start = clock.now()
    views = await _signalled(court, 1, 2, 3)
    await court.decide("moderator", await _case_of(court, views[0]), "keep")
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 3 + ["lifted"]
    [(_, text)] = _mails(court, "author", "statement", "lifted")
    assert "/statements/" in text
    await court.decide("moderator", await _case_of(court, views[1]), "warn")
    assert len(_mails(court, "author", "statement", "lifted")) == 2
    for hours, sent in ((23, 0), (25, 1), (26, 1)):  # the last time there is nothing to say
        with clock.stopped_at(start + timedelta(hours=hours)):
            await mail_authors(court.database)
            await court.village.work()
        assert len(_mails(court, "author", "statements")) == sent
    [(subject, text)] = _mails(court, "author", "statements")
    assert subject == "Decisions about what you wrote on Folkmoot"
    assert "/statements\n" in text
    with clock.stopped_at(start + timedelta(hours=27)):  # the next one waits for a day after the sum
        await _signalled(court, 4)
    with clock.stopped_at(start + timedelta(hours=48)):
        await mail_authors(court.database)
        await court.village.work()
    assert len(_mails(court, "author", "statements")) == 1
    with clock.stopped_at(start + timedelta(hours=50)):
        await mail_authors(court.database)
        await court.village.work()
    assert ["The number of decisions: 1." in text for _, text in _mails(court, "author", "statements")] == [False, True]
