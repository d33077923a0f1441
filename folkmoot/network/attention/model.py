"""What waits for a member. No input or output."""

import msgspec

AT_MOST = 100  # larger counts are shown as "99+"


class Waiting(msgspec.Struct, frozen=True):
    """Counts, each at most `AT_MOST`: unread notices, conversations with unread messages, follow requests, and senders whose
    notifications were filtered."""

    notices: int = 0
    messages: int = 0
    requests: int = 0
    strangers: int = 0

    def without_notices(self, count: int) -> "Waiting":
        return Waiting(notices=self.notices - count, messages=self.messages, requests=self.requests, strangers=self.strangers)
