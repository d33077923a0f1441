"""The measured accuracy of reporters decides the priority of their reports, also of those that are open when it changes."""

from datetime import timedelta

from folkmoot.base import clock
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case, probability_of
from folkmoot.moderation.reports.weighing import weigh_again
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court

NEWCOMER = probability_of(0, [1 / 3])


async def _cry(court: Court, count: int, name: str = "reporter") -> list[PostView]:
    views = [await court.village.write("author", f"Zpráva {number}") for number in range(count)]
    for view in views:
        await court.report(name, view, clauses=("violence",))
    return views


async def _case_about(court: Court, view: PostView) -> Case:
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def test_reports_of_somebody_who_was_often_wrong_no_longer_come_before_a_newcomers(court: Court) -> None:
    cried = await _cry(court, 8)
    threat = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("other_reporter", threat, clauses=("violence",))
    assert (await court.queue())[5].subject_id == threat.post.id  # it is due last; the sixth cry weighs less
    for view in cried[:5]:
        await court.decide("moderator", await _case_about(court, view), "keep")
    queue = await court.queue()
    assert queue[0].subject_id == threat.post.id
    assert [round(case.probability, 4) for case in queue] == [round(NEWCOMER, 4), *(round(5 / place / 8, 4) for place in (6, 7, 8))]
    assert all(case.harm < queue[0].harm / 2 for case in queue[1:])


async def test_reports_of_somebody_who_was_right_gain_weight(court: Court) -> None:
    first, second = await _cry(court, 2)
    await court.decide("moderator", await _case_about(court, first), "remove")
    assert (await _case_about(court, second)).probability == 0.5


async def test_an_overturned_verdict_counts_no_more(court: Court) -> None:
    first, second = await _cry(court, 2)
    verdict = await court.decide("moderator", await _case_about(court, first), "remove")
    async with court.database.write() as tx:
        appeal = await lodge_appeal(tx, court.village.people["author"], verdict.id)
    await court.decide("other_moderator", await court.case(appeal.case_id), "keep")
    assert round((await _case_about(court, second)).probability, 4) == round(NEWCOMER, 4)


async def test_the_five_best_reporters_count_however_many_came_before(court: Court) -> None:
    """A reporter who was right is not drowned by newcomers who reported earlier."""
    crowd = [f"newcomer_{number}" for number in range(55)]
    await court.village.settle(*crowd, "latecomer")
    for view in await _cry(court, 3, "latecomer"):
        await court.decide("moderator", await _case_about(court, view), "remove")
    post = await court.village.write("author", "Počkáme na něj u tramvaje")
    for name in crowd:
        await court.report(name, post, clauses=("violence",))
    before = (await _case_about(court, post)).probability
    await court.report("latecomer", post, clauses=("violence",))
    after = (await _case_about(court, post)).probability
    assert round(before, 4) == round(probability_of(0, [1 / 3] * 5), 4)
    assert round(after, 4) == round(probability_of(0, [*[1 / 3] * 4, 4 / 6]), 4)


async def test_a_case_that_somebody_changes_at_this_moment_is_left_as_it_is(court: Court) -> None:
    first, second = await _cry(court, 2)
    case = await _case_about(court, first)
    await court.decide("moderator", case, "keep")
    async with court.database.write() as tx:
        await tx.execute("UPDATE cases SET probability = 0.9 WHERE subject_id = $1", second.post.id)
        async with court.database.write() as other:
            assert await weigh_again(other, case.id) == 0
    async with court.database.write() as tx:
        assert await weigh_again(tx, case.id) == 1
        assert await weigh_again(tx, case.id) == 0  # nothing changes any more
        assert case.id in await list_verdicts_of_cases(tx, [case.id])
    assert (await _case_about(court, second)).probability == 0.25


async def test_further_open_reports_of_one_reporter_weigh_less_and_less(court: Court) -> None:
    """None is lost, and what they report for other reasons has the full weight."""
    views = await _cry(court, 12)
    places = [round((await _case_about(court, view)).probability, 4) for view in views]
    assert places == [round(min(1, 5 / number) / 3, 4) for number in range(1, 13)]
    advert = await court.village.write("author", "Kupte si zázračnou mast.")
    await court.report("reporter", advert, clauses=("spam",))
    assert round((await _case_about(court, advert)).probability, 4) == round(NEWCOMER, 4)
    other = await court.village.write("author", "Počkáme na něj u tramvaje")
    await court.report("other_reporter", other, clauses=("violence",))
    assert round((await _case_about(court, other)).probability, 4) == round(NEWCOMER, 4)


async def test_a_report_that_was_right_gives_the_others_their_weight_back(court: Court) -> None:
    views = await _cry(court, 8)
    await court.decide("moderator", await _case_about(court, views[0]), "remove")
    assert [(await _case_about(court, view)).probability for view in views[1:]] == [0.5] * 7


async def test_new_accounts_that_signed_up_on_one_day_share_a_bound(court: Court) -> None:
    """However many there are. Accounts of other days, and those whose reports were right, are not touched by it."""
    crowd = [f"newcomer_{number}" for number in range(11)]
    await court.village.settle(*crowd)
    with clock.stopped_at(clock.now() - timedelta(days=3)):
        await court.village.settle("member_for_three_days")
    views = [await court.village.write("author", f"Zpráva {number}") for number in range(27)]
    for number, view in enumerate(views[:25]):
        await court.report(crowd[number % len(crowd)], view, clauses=("violence",))
    places = [round((await _case_about(court, view)).probability, 4) for view in views[:25]]
    assert places == [round(min(1, 20 / number) / 3, 4) for number in range(1, 26)]
    await court.report("member_for_three_days", views[25], clauses=("violence",))
    assert round((await _case_about(court, views[25])).probability, 4) == round(NEWCOMER, 4)
    await court.decide("moderator", await _case_about(court, views[0]), "remove")
    await court.report(crowd[1], views[26], clauses=("violence",))  # three more of that day have the full weight
    assert round((await _case_about(court, views[26])).probability, 4) == round(20 / 22 / 3, 4)
    assert (await _case_about(court, views[22])).probability == 0.5  # of the one who was right
