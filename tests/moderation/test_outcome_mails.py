"""Outcomes of reports are notified at once, and mailed once a day at most, to those who want it."""

from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default

from folkmoot.base import clock
from folkmoot.moderation.reports import actions
from folkmoot.moderation.reports.jobs import mail_outcomes
from tests.moderation.court import Court
from tests.web.test_pages import form_token


def _mails(court: Court) -> list[tuple[str, str, str]]:
    """(address, subject, text) of each mail about outcomes, oldest first."""
    found = []
    for file in sorted((court.village.settings.data / "outbox").glob("*-report*.eml")):
        mail = message_from_bytes(file.read_bytes(), policy=default)
        found.append((str(mail["To"]), str(mail["Subject"]), mail.get_content()))
    return found


async def _decided(court: Court, *names: str) -> int:
    """A report by each of them about one post, which is decided; returns the newest report."""
    view = await court.village.write("author", "Počkáme na něj u tramvaje")
    reports = [await court.report(name, view, clauses=("violence",)) for name in names]
    await court.decide("moderator", next(case for case in await court.queue() if case.subject_id == view.post.id), "remove")
    return reports[-1].id


async def _mail_at(court: Court, moment: datetime) -> None:
    with clock.stopped_at(moment):
        await mail_outcomes(court.database)
        await court.village.work()


async def test_a_second_outcome_of_the_day_waits_for_the_next_mail(court: Court) -> None:
    start = clock.now()
    first = await _decided(court, "reporter")
    await _mail_at(court, start + timedelta(minutes=1))
    [(to, subject, text)] = _mails(court)
    assert (to, subject) == ("reporter@example.org", "Your report on Folkmoot has been looked at")
    assert f"/reports/{first}" in text
    for _ in range(3):
        await _decided(court, "reporter")
    assert [kind for kind, _ in await court.told("reporter")] == ["report"] * 4
    await _mail_at(court, start + timedelta(hours=23))
    assert len(_mails(court)) == 1
    for _ in range(2):  # the second time there is nothing to say
        await _mail_at(court, start + timedelta(hours=25))
    assert [subject for _, subject, _ in _mails(court)[1:]] == ["Your reports on Folkmoot have been looked at"]
    text = _mails(court)[1][2]
    assert "The number of reports: 3." in text
    assert "/reports\n" in text
    await _decided(court, "reporter")
    await _mail_at(court, start + timedelta(days=2, hours=2))
    assert len(_mails(court)) == 3


async def test_many_reporters_of_one_post_are_mailed_in_batches(court: Court) -> None:
    """So that the mails of others are not delayed; each reporter gets one."""
    names = [f"member_{number}" for number in range(7)]
    await court.village.settle(*names)
    await _decided(court, *names)
    async with court.database.write() as tx:
        assert (await actions.mail_outcomes(tx, 5), await actions.mail_outcomes(tx, 5), await actions.mail_outcomes(tx, 5)) == (5, 2, 0)
    await court.village.work()
    assert sorted(to for to, _, _ in _mails(court)) == [f"{name}@example.org" for name in names]


async def test_who_wants_no_mails_gets_none(court: Court) -> None:
    """By the page, and by the client API. Notifications come all the same."""
    browser = await court.village.by_browser("reporter")
    page = (await browser.get("/settings/email")).text
    assert 'id="outcome_mails" name="outcome_mails" type="checkbox" value="true" checked' in page
    saved = await browser.post("/settings/email/mails", {"form_token": form_token(page)})
    assert (saved.status, saved.headers["location"]) == (303, "/settings/email?saved=1")
    app = await court.village.by_app("other_reporter")
    assert (await app.get("/api/v1/accounts/verify_credentials")).json["source"]["report_mails"] is True
    changed = await app.send("PATCH", "/api/v1/accounts/update_credentials", {"report_mails": "false"})
    assert changed.json["source"]["report_mails"] is False
    await _decided(court, "reporter", "other_reporter", "reader")
    await _mail_at(court, clock.now())
    assert [to for to, _, _ in _mails(court)] == ["reader@example.org"]
    assert [kind for kind, _ in await court.told("reporter")] == ["report"]
    assert "checked" not in (await browser.get("/settings/email")).text.partition("outcome_mails")[2].partition(">")[0]
