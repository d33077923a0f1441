"""Assembles the application: the entry points, the subscribers of events, the jobs and the timed jobs.

The only module that imports all parts. `processes.py` runs them.
"""

from datetime import timedelta
from functools import cache, partial

from folkmoot.api.application import ApiApplication
from folkmoot.api.identification import token_of
from folkmoot.api.push_payloads import Payloads
from folkmoot.api.routes import ROUTES as API_ROUTES
from folkmoot.base import i18n
from folkmoot.base.db import Database
from folkmoot.base.queue.delivery import DELIVER_ONE
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.model import Job, Timed
from folkmoot.base.queue.timekeeper import forget_events
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.config import Settings
from folkmoot.health import HealthApplication
from folkmoot.http.context import Context
from folkmoot.http.forwarding import Forwarding
from folkmoot.http.from_peer import answer_probe
from folkmoot.http.front import Front
from folkmoot.http.host_record import HostRecord
from folkmoot.http.overload import Overload
from folkmoot.http.recent_writers import RecentWriters
from folkmoot.http.routing import Router, largest_body
from folkmoot.http.urls import Urls
from folkmoot.http.writing_host import WritingHost
from folkmoot.moderation.assembly import Moderation
from folkmoot.moderation.juries.queries import list_own_seats
from folkmoot.moderation.jurors.own_record import list_own_record
from folkmoot.moderation.reports.queries import list_own_reports
from folkmoot.moderation.restrictions.screening import hold_known
from folkmoot.moderation.statements.queries import list_own_statements
from folkmoot.network import folding
from folkmoot.network.accounts import jobs as accounts
from folkmoot.network.accounts.model import AccountChanged, AccountUnlocked, AccountUpdated
from folkmoot.network.activity import jobs as activity
from folkmoot.network.cards.jobs import Cards
from folkmoot.network.conversations import jobs as conversations
from folkmoot.network.departures import model as departures
from folkmoot.network.departures.removal import Remover
from folkmoot.network.domain_blocks import jobs as domain_blocks
from folkmoot.network.domain_blocks.model import DomainBlocked
from folkmoot.network.exports import model as exports
from folkmoot.network.exports.actions import Exporter
from folkmoot.network.exports.store import export_store
from folkmoot.network.filters.actions import forget_expired as forget_filters
from folkmoot.network.filters.queries import list_filters
from folkmoot.network.impressions.counting import Impressions
from folkmoot.network.media.actions import clear_abandoned, clear_orphans
from folkmoot.network.media.store import media_store
from folkmoot.network.notifications import jobs as notifications
from folkmoot.network.notifications.model import NotificationsArrived, RequestsAccepted
from folkmoot.network.posts import jobs as posts
from folkmoot.network.posts.actions import PostLimits, close_polls, forget_deleted, forget_hashtags, forget_keys
from folkmoot.network.posts.events import PollClosed, PostCreated, PostDeleted, PostEdited, PostFavourited, PostUnfavourited, QuoteRevoked
from folkmoot.network.recordings.actions import clear_recordings
from folkmoot.network.recordings.jobs import Encoder
from folkmoot.network.relations import jobs as relations
from folkmoot.network.relations.actions import forget_ended_follows
from folkmoot.network.relations.model import AccountBlocked, FollowEnded, FollowRequested, FollowRequestEnded, FollowStarted
from folkmoot.network.scheduled.jobs import publish_due
from folkmoot.network.scheduled.queries import list_scheduled
from folkmoot.network.sessions import limits as session_limits
from folkmoot.network.sessions import mails
from folkmoot.network.sessions.actions import forget_expired
from folkmoot.network.sessions.approval import announce_sign_ups
from folkmoot.network.sessions.model import RESET_JOB, ResetWanted, SignUpDecided, SignUpWaiting
from folkmoot.network.sessions.password_change import send_reset
from folkmoot.network.timelines import jobs as timelines
from folkmoot.network.trends import jobs as trends
from folkmoot.network.web_push import jobs as web_push
from folkmoot.portability.data_directory import JOURNAL_END
from folkmoot.portability.standby.on_demand import FetchingStore
from folkmoot.web.application import WebApplication
from folkmoot.web.routes import ROUTES as WEB_ROUTES
from folkmoot.web.security import Cookies


def moderation(settings: Settings) -> Moderation:
    """The background work of moderation."""
    return Moderation(settings, FetchingStore(media_store(settings), settings.data), settings.data / JOURNAL_END)


def cards(settings: Settings) -> Cards:
    """The background work of cards."""
    return Cards(settings.base_url, media_store(settings))


def subscriptions(settings: Settings) -> Subscriptions:
    """The subscribers of each event."""
    async def clear_pictures(database: Database, _event: PostDeleted) -> None:
        await clear_abandoned(database, media_store(settings))

    heard = Subscriptions()
    moderation(settings).subscribe(heard)  # first, so that a post is examined before it is pushed
    look_for_address, show_creator_anew = cards(settings).look_for_address, cards(settings).show_creator_anew
    for spread in (timelines.push_to_homes, notifications.tell_of_post, conversations.add_direct_post, look_for_address):
        heard.on(PostCreated, spread)
    for renew in (timelines.push_edited, notifications.tell_of_edit, conversations.add_newly_mentioned, look_for_address):
        heard.on(PostEdited, renew)
    for remove in (timelines.remove_deleted, conversations.remove_deleted_post, clear_pictures, notifications.forget_boost):
        heard.on(PostDeleted, remove)
    heard.on(PostFavourited, notifications.tell_of_favourite)
    heard.on(PostUnfavourited, notifications.forget_favourite)
    heard.on(PollClosed, notifications.tell_of_poll)
    heard.on(QuoteRevoked, timelines.show_revoked)
    heard.on(AccountBlocked, posts.revoke_between)
    heard.on(FollowStarted, timelines.merge_followed)
    heard.on(FollowStarted, notifications.tell_of_follow)
    heard.on(FollowStarted, notifications.accept_followed)
    heard.on(RequestsAccepted, conversations.add_accepted)
    heard.on(FollowRequested, notifications.tell_of_request)
    heard.on(FollowRequestEnded, notifications.forget_request)
    heard.on(FollowEnded, timelines.remove_unfollowed)
    heard.on(FollowEnded, notifications.forget_follow)
    heard.on(AccountChanged, show_creator_anew)
    heard.on(AccountUpdated, show_creator_anew)
    heard.on(AccountUnlocked, relations.accept_waiting)
    heard.on(DomainBlocked, domain_blocks.end_follows)
    heard.on(SignUpWaiting, notifications.tell_of_sign_up)
    heard.on(SignUpDecided, notifications.forget_sign_ups)
    heard.on(NotificationsArrived, web_push.wake)
    return heard


def jobs(settings: Settings) -> list[Job]:
    """All jobs except the delivery of events."""
    outbox = settings.data / "outbox"
    transport = mails.MailTransport(
        network=settings.network.name, base_url=settings.base_url, sender=settings.mail.sender, host=settings.mail.host,
        port=settings.mail.port, user=settings.mail.user, password=settings.mail.password, security=settings.mail.security,
        outbox=outbox, translators=i18n.load(settings.network.time_zone),
    )

    async def send_mail(_database: Database, mail: mails.Mail) -> None:
        await mails.deliver(mail, transport)

    remover = Remover(pictures=media_store(settings), exports=export_store(settings), outbox=outbox, base_url=settings.base_url)
    return [
        Job(mails.JOB, mails.Mail, send_mail), Job(RESET_JOB, ResetWanted, send_reset), *moderation(settings).jobs(),
        Job(exports.WRITE_JOB, exports.Wanted, exporter(settings).write, limit=exports.LONGEST_RUN),
        cards(settings).job, Job(departures.REMOVE_JOB, departures.Leaving, remover.remove), Encoder(media_store(settings)).job,
        web_push.Sender.of(settings, Payloads.of(settings, transport.translators)).job,
        Job(posts.INDEX_JOB, posts.IndexAgain, posts.index_again), Job(accounts.INDEX_JOB, accounts.IndexAgain, accounts.index_again),
    ]


def job_names(settings: Settings) -> list[str]:
    """The names of all jobs that a worker of this release runs."""
    return [*(job.name for job in jobs(settings)), DELIVER, DELIVER_ONE]


def exporter(settings: Settings) -> Exporter:
    """Writes the archives of members."""
    return Exporter(
        pictures=FetchingStore(media_store(settings), settings.data), exports=export_store(settings), folder=settings.data / "exports",
        urls=Urls(settings.base_url, settings.media.base_url, settings.secret), domain=settings.domain,
        chapters={
            "filters.json": list_filters, "scheduled.json": list_scheduled, "statements.json": list_own_statements,
            "reports.json": list_own_reports, "jury.json": list_own_record, "jury_seats.json": list_own_seats,
        },
    )


def timed_jobs(settings: Settings) -> list[Timed]:
    """All timed jobs."""
    store, archives = media_store(settings), exporter(settings)
    limits = PostLimits(max_characters=settings.network.max_characters, base_url=settings.base_url)
    return [
        *moderation(settings).timed_jobs(),
        Timed("counters.fold", timedelta(seconds=1), folding.fold_counters),
        Timed("scheduled.publish", timedelta(seconds=5), partial(publish_due, limits=limits, screener=hold_known)),
        Timed("polls.close", timedelta(seconds=5), close_polls),
        Timed("activity.record", timedelta(hours=1), activity.record),
        Timed("trends.count", timedelta(minutes=5), trends.count),
        Timed("timelines.trim", timedelta(hours=1), timelines.trim),
        Timed("timelines.choose_push_or_pull", timedelta(hours=1), timelines.choose_push_or_pull),
        Timed("limits.forget", timedelta(hours=1), session_limits.forget_old, is_cleaning=True),
        Timed("media.clear", timedelta(hours=1), partial(clear_abandoned, store=store), is_cleaning=True),
        Timed("recordings.clear", timedelta(hours=1), partial(clear_recordings, store=store), is_cleaning=True),
        Timed("sessions.forget_expired", timedelta(hours=1), forget_expired, is_cleaning=True),
        Timed("posts.forget_deleted", timedelta(minutes=15), forget_deleted, is_cleaning=True),
        Timed("relations.forget_ended", timedelta(hours=6), forget_ended_follows, is_cleaning=True),
        Timed("notifications.clear_requests", timedelta(hours=6), notifications.clear_requests, is_cleaning=True),
        Timed("posts.forget_keys", timedelta(hours=1), forget_keys, is_cleaning=True),
        Timed("posts.forget_hashtags", timedelta(hours=6), forget_hashtags, is_cleaning=True),
        Timed("cards.forget", timedelta(hours=6), cards(settings).forget, is_cleaning=True),
        Timed("media.clear_orphans", timedelta(days=1), partial(clear_orphans, store=store), is_cleaning=True, limit=timedelta(hours=1)),
        Timed("filters.forget_expired", timedelta(hours=6), forget_filters, is_cleaning=True),
        Timed("sign_ups.announce", timedelta(hours=1), announce_sign_ups),
        Timed("exports.clear", timedelta(hours=1), archives.clear, is_cleaning=True),
        Timed("exports.write_missing", timedelta(minutes=5), archives.write_missing),
        Timed("events.forget", timedelta(days=1), forget_events, is_cleaning=True),
    ]


@cache
def _routers() -> tuple[Router, Router]:
    """Those of the API and of pages."""
    return Router(API_ROUTES), Router(WEB_ROUTES)


def create_front(
    settings: Settings, database: Database, hosts: WritingHost | None = None, impressions: Impressions | None = None
) -> Front:
    """The ASGI application for all requests: API, pages and health checks. `hosts`: what knows the other host of this network."""
    context = Context.make(settings, database, screener=hold_known, impressions=impressions)
    api_router, web_router = _routers()
    forwarding = None
    if hosts:
        writers = RecentWriters(settings.data / "run" / "recent-writers", settings.secret)
        most_bytes = partial(largest_body, [api_router, web_router], upload_bytes=settings.media.max_form_bytes)
        forwarding = Forwarding(hosts, writers, most_bytes, Cookies(is_secure=settings.is_secure).session)
    api, pages = ApiApplication(context, api_router), WebApplication(context, web_router)
    overload = Overload(
        context.viewers, {"api": token_of, "pages": pages.session_of},
        lambda: database.is_interrupted or (hosts is not None and not (hosts.is_primary and hosts.is_decided)),
    )
    return Front(
        api=api, pages=pages, overload=overload,
        health=HealthApplication(context, timed_jobs(settings), job_names(settings)),
        api_router=api_router, is_secure=settings.is_secure, forwarding=forwarding, shut_out=context.shut_out,
        answer_probe=partial(answer_probe, database, hosts) if hosts else None, host_record=HostRecord(settings),
    )
