"""The rule of notification policies: what becomes of a notification, as SQL (decision 0113).

Creating notifications and listing messages both use it. A member without a policy costs one look-up by primary key.
"""

from folkmoot.base.ids import time_sql
from folkmoot.network.notifications.model import NEW_ACCOUNT, NEW_FOLLOWER, TREATED, Kind, Treatment
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.visibility import limited_sql
from folkmoot.network.sessions.model import Role

_KINDS = ", ".join(f"'{kind}'" for kind in TREATED)


def treatment_sql(policy: str, recipient: str, sender: str, kind: str, post: str) -> str:
    """SQL: the `Treatment` of a notification. `policy` and `post` are aliases of rows that may be absent, `sender` one of an account;
    `recipient` and `kind` are SQL.

    Whoever the recipient follows or has let through is accepted, and so are mentions by moderators.
    """
    return f"""CASE
        WHEN {policy}.account_id IS NULL OR {kind} NOT IN ({_KINDS}) OR {_is_exempt(recipient, sender, kind)} THEN {Treatment.ACCEPT:d}
        ELSE greatest(
            {policy}.for_not_following,
            CASE WHEN NOT {_follows_long(recipient, sender)} THEN {policy}.for_not_followers END,
            CASE WHEN {sender}.created_at > now() - interval '{NEW_ACCOUNT.days} days' THEN {policy}.for_new_accounts END,
            CASE WHEN {kind} = '{Kind.MENTION}' AND {post}.visibility = {Visibility.DIRECT:d} AND NOT {_answers(recipient, sender, post)}
                THEN {policy}.for_private_mentions END,
            CASE WHEN {limited_sql(sender)} THEN {policy}.for_limited_accounts END,
            CASE WHEN {sender}.is_bot THEN {policy}.for_bots END)
        END"""


def _is_exempt(recipient: str, sender: str, kind: str) -> str:
    return f"""(
        EXISTS (SELECT FROM follows AS ef WHERE ef.account_id = {recipient} AND ef.target_id = {sender}.id)
        OR EXISTS (SELECT FROM notification_requests AS er
            WHERE er.account_id = {recipient} AND er.sender_id = {sender}.id AND er.allowed_at IS NOT NULL)
        OR {kind} = '{Kind.MENTION}' AND EXISTS (SELECT FROM logins AS el
            WHERE el.account_id = {sender}.id AND el.role IN ('{Role.MODERATOR}', '{Role.OPERATOR}')))"""


def _follows_long(recipient: str, sender: str) -> str:
    return f"""EXISTS (SELECT FROM follows AS lf WHERE lf.account_id = {sender}.id AND lf.target_id = {recipient}
        AND {time_sql("lf.id")} < now() - interval '{NEW_FOLLOWER.days} days')"""


def _answers(recipient: str, sender: str, post: str) -> str:
    """SQL: whether the recipient has written to the sender in the same conversation before. Uses the index posts_conversation."""
    return f"""EXISTS (SELECT FROM posts AS ap JOIN mentions AS am ON am.post_id = ap.id AND am.account_id = {sender}.id
        WHERE ap.conversation_id = {post}.conversation_id AND ap.account_id = {recipient} AND ap.id < {post}.id
          AND ap.visibility = {Visibility.DIRECT:d})"""
