"""Signing up, logging in and out. A new password is in `password_change.py`, codes and tokens of apps in `apps.py`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, FieldError, Forbidden, Invalid, NotFound, Plural, Unauthorized
from folkmoot.base.limits import address_key
from folkmoot.base.text import clean, count_characters
from folkmoot.network.accounts import actions as accounts
from folkmoot.network.accounts.model import Account, AccountChanged
from folkmoot.network.sessions import limits, queries
from folkmoot.network.sessions.addresses import email_errors, email_key, tidy_email
from folkmoot.network.sessions.barring import require_welcome
from folkmoot.network.sessions.known_browsers import KnownBrowser
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import (
    CONFIRM_LASTS,
    LOGINS_TOPIC,
    SESSION_LASTS,
    Login,
    Preferences,
    Role,
    Session,
    SignUpWaiting,
    Viewer,
    digest,
    login_topic,
)
from folkmoot.network.sessions.passwords import hash_password, is_right, password_errors

_SLOW_ADDRESS = Plural(
    "There have been too many attempts from your connection. Please try again in %(minutes)d minute.",
    "There have been too many attempts from your connection. Please try again in %(minutes)d minutes.", "minutes",
)
_UNDER_ATTACK = Plural(
    "Somebody is trying passwords for this name. You can log in with a browser that you have used here before, or set a new"
    " password by e-mail. Otherwise please try again in %(minutes)d minute.",
    "Somebody is trying passwords for this name. You can log in with a browser that you have used here before, or set a new"
    " password by e-mail. Otherwise please try again in %(minutes)d minutes.", "minutes",
)
Enter = Callable[[WriteTx, Login], Awaitable[str]]


@dataclass(frozen=True)
class SignUpPolicy:
    """The settings for signing up. `mode`: open, approval, invitation, closed."""

    mode: str = "open"
    confirms_email: bool = False
    multiplier: float = 1.0


class SignUp(NamedTuple):
    """The fields of the sign-up form."""

    username: str
    email: str
    password: str
    agrees: bool
    language: str = "en"
    reason: str = ""
    invitation: str = ""


class Obstructed(Forbidden):
    """The password is right, but the log-in cannot be used yet or any more."""

    def __init__(self, login: Login) -> None:
        super().__init__(login.obstacle)
        self.login = login


async def sign_up(
    database: Database, form: SignUp, policy: SignUpPolicy, address: str = "", *, enter: Enter | None = None
) -> tuple[Login, str]:
    """Creates an account with a log-in. Depending on the policy it must be confirmed or approved before use.

    `enter` runs in the same transaction and returns the secret of the first session or token. Tells account.created
    and, if an approval is needed, sign_up.waiting. Raises Invalid with every faulty field, and for an e-mail that is kept out; Forbidden
    when nobody may sign up, also from this address; TooMany.
    """
    if policy.mode == "closed":
        raise Forbidden("Sign-up is closed at present.")
    form = form._replace(username=form.username.strip().removeprefix("@"), email=tidy_email(form.email))
    errors = _sign_up_errors(form, policy)
    if errors:
        raise Invalid(*errors)
    if address:
        await limits.spend(database, "sign_up", address_key(address), policy.multiplier)
    must_wait = await require_welcome(database, form.email, address)
    password_hash = await hash_password(form.password)

    async with database.write() as tx:
        invitation_id = await queries.use_invitation(tx, form.invitation) if form.invitation else None
        if policy.mode == "invitation" and invitation_id is None:
            raise Invalid(FieldError("invitation", "invalid", "This invitation is not valid, or it has been used."))
        account = await accounts.create_account(tx, form.username)
        waits = must_wait or (policy.mode == "approval" and invitation_id is None)
        login = _login(account, form.email, password_hash, form.language, Role.MEMBER, not policy.confirms_email, not waits)
        if not await queries.insert_login(tx, login, email_key(form.email), clean(form.reason), invitation_id):
            raise Invalid(FieldError("email", "taken", "There is an account with this address. Log in, or reset the password."))
        if policy.confirms_email:
            await send_confirmation(tx, login)
        elif waits:
            tx.tell(SignUpWaiting(account_id=account.id))
        secret = await enter(tx, login) if enter else ""
    return login, secret


async def create_member(
    database: Database, username: str, email: str, password: str, role: Role = Role.MEMBER, *, display_name: str = "", language: str = "en",
    at: datetime | None = None,
) -> Account:
    """Creates an account that can be used at once, for the operator's command line. `at`: an earlier moment. Raises Invalid."""
    errors = [
        *accounts.username_errors(username, is_staff=True), *email_errors(email),
        *password_errors(password, username=username, email=email),
    ]
    if errors:
        raise Invalid(*errors)
    password_hash = await hash_password(password)
    async with database.write() as tx:
        account = await accounts.create_account(tx, username, display_name=display_name, at=at)
        login = _login(account, tidy_email(email), password_hash, language, role, True, True)
        if not await queries.insert_login(tx, login, email_key(email), "", None):
            raise Invalid(FieldError("email", "taken", "There is an account with this e-mail address."))
    return account


async def log_in(
    database: Database, name: str, password: str, *, agent: str = "", address: str = "", multiplier: float = 1.0,
    browser: KnownBrowser | None = None,
) -> tuple[str, Login]:
    """Starts a session if the password is right; returns (its secret, the log-in). `name`: e-mail address or user name.

    Raises Unauthorized, with the same text and after the same work for existing and missing accounts; Forbidden while the
    log-in cannot be used; TooMany.
    """
    name = name.strip().removeprefix("@")[:254]
    async with database.read() as conn:
        if "@" in name:
            login = await queries.find_login_by_email(conn, email_key(name))
        else:
            login = await queries.find_login_by_name(conn, name)
    mark = browser.mark_of(login.account_id) if browser and login else ""
    await _spend_tries(database, str(login.account_id) if login else email_key(name), address, mark, multiplier)
    right = await is_right(login.password_hash if login else None, password)
    if login is None or not right:
        raise Unauthorized("The name or the password is not right.")
    if login.obstacle:
        raise Obstructed(login)
    async with database.write() as tx:
        return await start_session(tx, login, agent, address), login


async def _spend_tries(database: Database, account: str, address: str, mark: str, multiplier: float) -> None:
    """Limits guesses for an account, under any of its names; also for names that do not exist.

    An address can only use up its own tries. Many addresses together can use up those of all, except of a browser that the
    member has used before, which has tries of its own.
    """
    if mark:
        await limits.spend(database, "log_in_by_pair", f"{account} {mark}", multiplier, _SLOW_ADDRESS)
        return
    caller = address_key(address) if address else "local"
    await limits.spend(database, "log_in_by_address", caller, multiplier, _SLOW_ADDRESS)
    await limits.spend(database, "log_in_by_pair", f"{account} {caller}", multiplier, _SLOW_ADDRESS)
    await limits.spend(database, "log_in_by_account", account, multiplier, _UNDER_ATTACK)


async def start_session(tx: WriteTx, login: Login, agent: str, address: str) -> str:
    """Starts a session and returns its secret, of which only the hash is stored."""
    secret = clock.token()
    now = clock.now()
    session = Session(id=ids.make_id(ids.shard_of(login.account_id), now), agent=agent[:400], address=address, created_at=now, seen_at=now)
    await queries.insert_session(tx, digest(secret), session, login.account_id)
    return secret


async def end_sessions(tx: WriteTx, viewer: Viewer, *, only: int | None = None, but: int | None = None) -> None:
    """Ends all sessions of the viewer, one, or all but one. Raises NotFound for a session of another account."""
    if not await queries.delete_sessions(tx, viewer.id, only=only, but=but) and only:
        raise NotFound
    forget_viewer(tx, viewer.id)


async def revoke_token(tx: WriteTx, viewer: Viewer, token_id: int) -> None:
    """Revokes a token of the viewer, and all unused authorisation codes. Raises NotFound for a token of another account."""
    if not await revoke_token_of(tx, viewer.id, token_id):
        raise NotFound


async def revoke_token_of(tx: WriteTx, account_id: int, token_id: int) -> bool:
    """The same in the name of the network; False if it has ended already."""
    if not await queries.delete_tokens(tx, account_id, only=token_id):
        return False
    await queries.delete_authorization_codes(tx, account_id)
    forget_viewer(tx, account_id)
    return True


async def confirm_email(tx: WriteTx, code: str) -> None:
    """Confirms an address with the code of a mailed link. Tells sign_up.waiting if an approval is needed. Raises NotFound."""
    taken = await queries.take_one_time_code(tx, digest(code), "confirm_email")
    if taken is None or not await queries.update_confirmed(tx, *taken):
        raise NotFound("This link is not valid any more. Please ask for a new one.")
    if not (await queries.get_login(tx, taken[0])).approved_at:
        tx.tell(SignUpWaiting(account_id=taken[0]))
    forget_viewer(tx, taken[0])


async def change_preferences(tx: WriteTx, viewer: Viewer, preferences: Preferences, language: str) -> None:
    """Changes the choices of a member. Tells account.changed when the sites change that may name the member."""
    await queries.update_preferences(tx, viewer.id, preferences, language)
    if preferences.attribution_domains != viewer.login.preferences.attribution_domains:
        tx.tell(AccountChanged(account_id=viewer.id))
    forget_viewer(tx, viewer.id)


async def forget_expired(database: Database) -> None:
    """Deletes expired codes and sessions. A timed job."""
    async with database.write() as tx:
        await queries.delete_expired(tx, SESSION_LASTS.total_seconds())


def _sign_up_errors(form: SignUp, policy: SignUpPolicy) -> list[FieldError]:
    errors = [
        *accounts.username_errors(form.username), *email_errors(form.email),
        *password_errors(form.password, username=form.username, email=form.email),
    ]
    if not form.agrees:
        errors.append(FieldError("agreement", "accepted", "Please read the rules and agree to them."))
    if policy.mode == "approval" and not form.reason.strip() and not form.invitation:
        errors.append(FieldError("reason", "blank", "Please say in a sentence why you want to join."))
    if count_characters(form.reason) > 1000:
        errors.append(FieldError("reason", "too_long", TEXT_TOO_LONG, {"limit": 1000}))
    return errors


def _login(account: Account, email: str, password_hash: str, language: str, role: Role, is_confirmed: bool, is_approved: bool) -> Login:
    now = account.created_at
    return Login(
        account_id=account.id, email=email, password_hash=password_hash, role=role, language=language,
        confirmed_at=now if is_confirmed else None, approved_at=now if is_approved else None, disabled_at=None, created_at=now,
    )


async def send_confirmation(tx: WriteTx, login: Login) -> None:
    code = clock.token()
    await queries.insert_one_time_code(tx, digest(code), "confirm_email", login.account_id, login.email, CONFIRM_LASTS.total_seconds())
    send_mail(tx, Mail("confirm_email", login.email, login.language, f"/confirm/{code}"))


def forget_viewer(tx: WriteTx, account_id: int | None) -> None:
    """Makes all processes drop their cache of this log-in and close its live connections. None: tokens of apps without account."""
    tx.publish(LOGINS_TOPIC, account_id)
    if account_id is not None:
        tx.publish(login_topic(account_id), None)
