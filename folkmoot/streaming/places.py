"""Limits how many streams are open at once in this process, by member and by address."""

from collections import Counter
from collections.abc import Callable

from folkmoot.base.errors import TooMany
from folkmoot.base.limits import address_key

_RETRY_SECONDS = 60


class Places:
    """The places for streams of one kind."""

    def __init__(self, *, per_member: int, per_address: int) -> None:
        self._per_member = per_member
        self._per_address = per_address
        self._taken: Counter[object] = Counter()

    def take(self, member_id: int, address: str) -> Callable[[], None]:
        """Takes a place, before anything is sent, so that several requests at once cannot share the last one.

        Returns the function that gives it back. Raises TooMany if there is none left.
        """
        keys: tuple[object, object] = member_id, address_key(address)
        if self._taken[keys[0]] >= self._per_member or self._taken[keys[1]] >= self._per_address:
            raise TooMany(retry_after=_RETRY_SECONDS)
        self._taken.update(keys)

        def give_back() -> None:
            self._taken.subtract(keys)
            for key in keys:
                if not self._taken[key]:
                    del self._taken[key]

        return give_back
