"""Mastodon.py as an app of staff, on the running network: its calls for accounts, reports, blocks and figures have their real effect."""

import secrets
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from mastodon import Mastodon
from mastodon.errors import MastodonAPIError, MastodonIllegalArgumentError, MastodonNotFoundError

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.queue.queries import retry_jobs
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.sessions.apps import issue_token, register_app
from folkmoot.network.sessions.model import Role
from tests.conformance.test_mastodon_py import until
from tests.network_up import NetworkUp
from tests.newcomers import newcomer, on_database, post

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
MEMBERS, STAFF = "read write", "admin:read admin:write"


class Staff(NamedTuple):
    network: NetworkUp
    moderator: Mastodon
    operator: Mastodon


def _library(network: NetworkUp, name: str, scopes: str = MEMBERS) -> Mastodon:
    async def issue(database: Database) -> str:
        async with database.write() as tx:
            account = await find_account_by_name(tx, name)
            assert account
            app = await register_app(tx, "Mastodon.py", ["urn:ietf:wg:oauth:2.0:oob"], scopes)
            return await issue_token(tx, app.id, account.id, scopes)

    return Mastodon(access_token=on_database(network, issue), api_base_url=network.url)


@pytest.fixture(scope="module")
def staff(running: NetworkUp) -> Staff:
    return Staff(running, *(_library(running, newcomer(running, role.value, role=role), STAFF) for role in (Role.MODERATOR, Role.OPERATOR)))


def _settle(network: NetworkUp) -> None:
    """Makes the half minute of all decisions pass."""

    async def hasten(database: Database) -> None:
        async with database.write() as tx:
            await retry_jobs(tx, later_too=True)

    on_database(network, hasten)


def _reported(staff: Staff) -> tuple[str, Any, Any]:
    """(the author, their reported post, the report as the moderator sees it)."""
    author, reporter = newcomer(staff.network, "autor"), _library(staff.network, newcomer(staff.network, "hlasi"))
    written = post(staff.network, author, "Tohle je reklama, kupujte u nás.")
    status = reporter.status(written)
    report = reporter.report(status.account.id, [written], comment="Reklama.", category="spam")
    return author, status, staff.moderator.admin_report(report.id)


def test_reports_are_taken_answered_and_reopened(staff: Staff) -> None:
    author, status, report = _reported(staff)
    assert (report.target_account.username, report.account, report.action_taken) == (author, None, False)
    assert [str(one.id) for one in report.statuses] == [str(status.id)]
    assert str(report.id) in [str(one.id) for one in staff.moderator.admin_reports(target_account_id=status.account.id)]
    assert staff.moderator.admin_report_assign(report.id).assigned_account.username.startswith("moderator")
    assert staff.moderator.admin_report_unassign(report.id).assigned_account is None
    assert staff.moderator.admin_report_resolve(report.id).action_taken
    assert str(report.id) in [str(one.id) for one in staff.moderator.admin_reports(resolved=True, target_account_id=status.account.id)]
    assert not staff.moderator.admin_report_reopen(report.id).action_taken


def test_accounts_are_listed_restricted_and_restored(staff: Staff) -> None:
    author, status, report = _reported(staff)
    member, account_id = _library(staff.network, author), status.account.id
    assert [one.username for one in staff.operator.admin_accounts_v2(username=author)] == [author]
    assert [one["username"] for one in staff.operator.admin_accounts_v1(username=author, status="active")] == [author]
    assert staff.operator.admin_account(account_id).email == f"{author}@example.org"
    assert staff.moderator.admin_account(account_id).email is None
    staff.moderator.admin_account_moderate(account_id, "disable", report_id=report.id, text="Reklama sem nepatří.")
    assert staff.moderator.admin_account(account_id).disabled
    with pytest.raises(MastodonAPIError):
        member.status_post("ještě jednou")
    _settle(staff.network)
    warning = until(lambda: member.notifications(types=["moderation_warning"]))[0]
    assert warning.moderation_warning.text.endswith("Reklama sem nepatří.")
    assert not staff.moderator.admin_account_enable(account_id).disabled
    assert member.status_post("zase tady").id

    for action, state, lift in (
        ("silence", "silenced", staff.moderator.admin_account_unsilence), ("suspend", "suspended", staff.moderator.admin_account_unsuspend),
    ):
        author, status, report = _reported(staff)
        staff.moderator.admin_account_moderate(status.account.id, action, report_id=report.id)
        assert staff.moderator.admin_account(status.account.id)[state]
        if action == "suspend":
            with pytest.raises(MastodonAPIError):  # without a reason
                staff.moderator.admin_account_delete(status.account.id)
        assert not lift(status.account.id)[state]
    with pytest.raises(MastodonAPIError):  # there is no such measure
        staff.moderator.admin_account_moderate(account_id, "sensitive")


def test_sign_ups_are_blocked_and_let_in(staff: Staff) -> None:
    client_id, client_secret = Mastodon.create_app("Mastodon.py", api_base_url=staff.network.url)
    name = newcomer(staff.network, "zaklad")  # a name of this test

    def sign_up(suffix: str, domain: str) -> Any:
        app = Mastodon(client_id=client_id, client_secret=client_secret, api_base_url=staff.network.url)
        app.create_account(f"{name}_{suffix}", "nova hruska v sadu", f"{name}+{suffix}@{domain}", agreement=True, locale="cs")
        return app

    domain = f"{name.replace('_', '-')}.example"
    block = staff.operator.admin_create_email_domain_block(domain)
    assert staff.operator.admin_email_domain_block(block.id).domain == domain
    assert str(block.id) in [str(one.id) for one in staff.operator.admin_email_domain_blocks()]
    with pytest.raises(MastodonIllegalArgumentError):
        sign_up("a", f"posta.{domain}")
    staff.operator.admin_delete_email_domain_block(block.id)
    canonical = staff.operator.admin_create_canonical_email_block(email=f"{name}@{domain}")
    assert [str(one.id) for one in staff.operator.admin_test_canonical_email_block(f"{name}+x@{domain}")] == [str(canonical.id)]
    assert staff.operator.admin_canonical_email_block(canonical.id).canonical_email_hash == canonical.canonical_email_hash
    assert str(canonical.id) in [str(one.id) for one in staff.operator.admin_canonical_email_blocks()]
    with pytest.raises(MastodonIllegalArgumentError):
        sign_up("a", domain)
    staff.operator.admin_delete_canonical_email_block(canonical.id)

    ip = staff.operator.admin_create_ip_block("127.0.0.1", "sign_up_requires_approval", expires_in=3600)
    try:
        assert staff.operator.admin_ip_block(ip.id).ip == "127.0.0.1/32"
        assert str(ip.id) in [str(one.id) for one in staff.operator.admin_ip_blocks()]
        for suffix in ("a", "b"):
            sign_up(suffix, domain)
        waiting = {one.username: one.id for one in staff.operator.admin_accounts_v2(status="pending", username=name)}
        assert sorted(waiting) == [f"{name}_a", f"{name}_b"]
        assert staff.operator.admin_account_approve(waiting[f"{name}_a"]).approved
        staff.operator.admin_account_reject(waiting[f"{name}_b"])
        with pytest.raises(MastodonNotFoundError):
            staff.operator.admin_account(waiting[f"{name}_b"])
        with pytest.raises(MastodonAPIError):  # the operator's own connection
            staff.operator.admin_update_ip_block(ip.id, severity="no_access")
        assert staff.operator.admin_update_ip_block(ip.id, severity="sign_up_block").severity == "sign_up_block"
        with pytest.raises(MastodonIllegalArgumentError):
            sign_up("c", domain)
    finally:
        staff.operator.admin_delete_ip_block(ip.id)


def test_members_with_the_scopes_are_refused(staff: Staff) -> None:
    member = _library(staff.network, newcomer(staff.network, "clen"), STAFF)
    for call in (member.admin_reports, member.admin_accounts_v2, member.admin_ip_blocks):
        with pytest.raises(MastodonAPIError):
            call()


def test_figures_and_trends(staff: Staff) -> None:
    part = secrets.token_hex(4)
    post(staff.network, newcomer(staff.network, "pise"), f"#Studánka{part} teče")
    now = clock.now()
    week = now - timedelta(days=6), now
    measures = staff.moderator.admin_measures(*week, new_users=True, active_users=True, opened_reports=True, tag_uses=f"studanka{part}")
    found = {one.key: one for one in measures}
    assert set(found) == {"new_users", "active_users", "opened_reports", "tag_uses"}
    assert (int(found["tag_uses"].total), len(found["new_users"].data)) == (1, 7)
    assert int(found["new_users"].total) >= 3
    dimensions = staff.moderator.admin_dimensions(*week, languages=True, space_usage=True, tag_languages=f"studanka{part}")
    assert [one.key for one in dimensions] == ["languages", "space_usage", "tag_languages"]
    cohorts = staff.moderator.admin_retention(*week, "day")
    assert [len(one.data) for one in cohorts] == [7, 6, 5, 4, 3, 2, 1]
    assert isinstance(staff.moderator.admin_trending_tags(), list)
