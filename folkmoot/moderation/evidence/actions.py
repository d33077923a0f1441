"""Keeps what a case is about, and deletes it when nobody can decide about it any more."""

from collections.abc import Sequence
from datetime import datetime

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn, WriteTx
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.evidence import queries
from folkmoot.moderation.evidence.model import Evidence, ProfileVersion, SubjectVersions, Version
from folkmoot.moderation.holds.queries import list_held
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.media.queries import hold_pictures_until, list_ids_by_key, mark_pictures_outliving, release_held
from folkmoot.network.posts.queries import find_deleted_unscoped, list_posts_by_ids_unscoped, list_versions
from folkmoot.network.posts.versions import PostVersion

_AT_ONCE = 100  # cases whose evidence is deleted in one transaction


async def read_subject(conn: ReadConn, case: Case) -> SubjectVersions:
    """What the case is about, as it stands: of a deleted post the copy or, when that is gone, the evidence of the case."""
    if case.subject is Subject.ACCOUNT:
        account = (await list_accounts(conn, [case.subject_id])).get(case.subject_id)
        return SubjectVersions(versions=(ProfileVersion.of(account, clock.now()),) if account else (), is_deleted=account is None)
    post = (await list_posts_by_ids_unscoped(conn, [case.subject_id])).get(case.subject_id)
    if post:
        return SubjectVersions(versions=await list_versions(conn, post), is_deleted=False, effect=post.effect)
    deleted = await find_deleted_unscoped(conn, case.subject_id)
    versions = deleted.versions if deleted else tuple(one.version for one in await queries.list_evidence(conn, case.id))
    return SubjectVersions(versions=versions, is_deleted=True)


async def note_private_reading(database: Database, moderator_id: int, case: Case) -> None:
    """Writes case.read to the journal when a moderator opens a case about something that not everybody may read. Raises
    WritesPaused where that cannot be recorded: then it is not shown."""
    async with database.read() as conn:
        if not await queries.is_private(conn, case.id):
            return
    async with database.write() as tx:
        await record_step(tx, Step.CASE_READ, case_id=case.id, actor_id=moderator_id)


async def keep_reported(tx: WriteTx, case: Case) -> None:
    """Adds all versions of the subject to the case, the newest one as reported. The caller has locked the subject.

    Also the earlier versions: the author may have edited it between the moment when the reporter read it and the report.
    """
    subject = await read_subject(tx, case)
    now = clock.now()
    await _keep(tx, case, [
        Evidence(version=version, reported_at=now if version is subject.newest else None, decided_at=None) for version in subject.versions
    ], now)


async def keep_decided(tx: WriteTx, case: Case, version: Version) -> None:
    """Adds the version that a decision was about."""
    now = clock.now()
    await _keep(tx, case, [Evidence(version=version, reported_at=None, decided_at=now)], now)


async def keep_deleted(tx: WriteTx, case: Case, versions: Sequence[Version]) -> None:
    """Adds the versions of a post that has been deleted."""
    await _keep(tx, case, [Evidence(version=version, reported_at=None, decided_at=None) for version in versions], clock.now())


async def keep_held(tx: WriteTx, case: Case) -> None:
    """Adds all versions of what is to be held, whether it was reported or not."""
    subject = await read_subject(tx, case)
    await _keep(tx, case, [Evidence(version=version, reported_at=None, decided_at=None) for version in subject.versions], clock.now())
    await mark_outliving(tx, case)


async def mark_outliving(tx: WriteTx, case: Case) -> None:
    """After a hold has begun or ended: marks the pictures that stay even if their account is deleted."""
    held = await queries.list_held_pictures(tx, case.account_id)
    await mark_pictures_outliving(
        tx, [id_ for id_, is_held in held.items() if is_held], [id_ for id_, is_held in held.items() if not is_held]
    )


async def copy_for_appeal(tx: WriteTx, first: Case, appeal: Case) -> None:
    """Gives the evidence of a decided case to the case of its appeal."""
    await queries.copy_evidence(tx, first.id, appeal.id)


async def clear_evidence(tx: WriteTx, settled_before: datetime) -> int:
    """Deletes evidence of withdrawn cases, and of those whose verdict was settled before that time. Returns how many cases."""
    case_ids = await queries.list_expired(tx, settled_before, _AT_ONCE)
    await _delete(tx, case_ids)
    return len(case_ids)


async def clear_evidence_of(tx: WriteTx, subject: Subject, subject_id: int) -> None:
    """Deletes all copies of a post that was cleared for good."""
    await _delete(tx, await queries.list_case_ids_of_subject(tx, subject, subject_id))


async def forget_evidence_of_account(tx: WriteTx, account_id: int) -> None:
    """Deletes everything that a deleted account wrote, except what a hold keeps; also its words where others quote them."""
    await queries.delete_quoted_words(tx, account_id)
    await _delete(tx, await queries.list_case_ids_of_account(tx, account_id))


async def _keep(tx: WriteTx, case: Case, evidence: Sequence[Evidence], now: datetime) -> None:
    await queries.upsert_evidence(tx, case.id, case.account_id, evidence, now)
    media_ids = {id_ for one in evidence for id_ in await _media_ids(tx, one.version)}
    if media_ids:
        await queries.insert_held(tx, case.id, sorted(media_ids))
        await hold_pictures_until(tx, sorted(media_ids), None)
        if await list_held(tx, [case.id]):
            await mark_outliving(tx, case)


async def _media_ids(conn: ReadConn, version: Version) -> list[int]:
    if isinstance(version, PostVersion):
        return [picture.id for picture in version.pictures]
    keys = [key for key in (version.avatar_key, version.header_key) if key]
    return await list_ids_by_key(conn, keys) if keys else []


async def _delete(tx: WriteTx, case_ids: Sequence[int]) -> None:
    if case_ids:
        await release_held(tx, await queries.delete_evidence(tx, case_ids))
