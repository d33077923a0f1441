"""Browsers that a member has used before. They may log in even while others try passwords for the same name.

A browser keeps one mark per account: a random number and a signature over it and the account. The mark does not reveal
the account, and it is no password: it only chooses the limit that its tries are counted by (OWASP: device cookies).
"""

from folkmoot.base import clock
from folkmoot.base.signing import Signer

SECONDS = 400 * 86400  # the longest that browsers keep a cookie
_MOST = 6  # accounts per browser


class KnownBrowser:
    """The marks of one browser, as its cookie contains them."""

    def __init__(self, secret: bytes, cookie: str) -> None:
        self._signer = Signer(secret, "known browser")
        self._marks = [mark for mark in cookie.split("~") if mark][:_MOST]

    def mark_of(self, account_id: int) -> str:
        """The random number of this browser's mark for an account; empty if the account has not been used here."""
        for mark in self._marks:
            number, _, signature = mark.partition(".")
            if signature and self._signer.is_valid(f"{account_id}:{number}", signature):
                return number
        return ""

    def with_mark(self, account_id: int) -> str:
        """The cookie after a log-in to this account: its mark first."""
        number = self.mark_of(account_id) or clock.token(12)
        mine = f"{number}.{self._signer.sign(f'{account_id}:{number}')}"
        return "~".join([mine, *(mark for mark in self._marks if mark != mine)][:_MOST])
