"""All SQL of log-ins, sessions, apps, codes, tokens and invitations: one file per part."""

from folkmoot.network.sessions.queries.apps import (
    delete_authorization_codes,
    delete_token_of_app,
    delete_token_of_code,
    delete_tokens,
    find_app,
    find_token_holder,
    get_app,
    has_authorization_code,
    has_token,
    insert_app,
    insert_authorization_code,
    insert_token,
    is_token_open_unscoped,
    list_tokens,
    take_authorization_code,
)
from folkmoot.network.sessions.queries.invitations import delete_invitation, insert_invitation, list_invitations, use_invitation
from folkmoot.network.sessions.queries.limits import count_use, delete_old_windows
from folkmoot.network.sessions.queries.logins import (
    count_network,
    delete_one_time_codes,
    find_login,
    find_login_by_email,
    find_login_by_name,
    get_login,
    has_one_time_code,
    insert_login,
    insert_one_time_code,
    take_one_time_code,
    update_confirmed,
    update_email,
    update_password,
    update_preferences,
    update_role,
)
from folkmoot.network.sessions.queries.sessions import (
    delete_expired,
    delete_sessions,
    find_session_viewer,
    insert_session,
    is_session_open_unscoped,
    list_sessions,
    update_seen,
)

__all__ = [
    "count_network", "count_use", "delete_authorization_codes", "delete_expired", "delete_invitation", "delete_old_windows",
    "delete_one_time_codes", "delete_sessions", "delete_token_of_app", "delete_token_of_code", "delete_tokens", "find_app",
    "find_login", "find_login_by_email", "find_login_by_name", "find_session_viewer", "find_token_holder", "get_app",
    "get_login", "has_authorization_code", "has_one_time_code", "has_token", "insert_app", "insert_authorization_code",
    "insert_invitation", "insert_login", "insert_one_time_code", "insert_session", "insert_token", "is_session_open_unscoped",
    "is_token_open_unscoped", "list_invitations", "list_sessions", "list_tokens", "take_authorization_code",
    "take_one_time_code", "update_confirmed", "update_email", "update_password", "update_preferences", "update_role",
    "update_seen", "use_invitation",
]
