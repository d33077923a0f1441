"""Passwords: checked when chosen, hashed with Argon2id, compared in the same time for missing accounts.

19 MiB, two passes, one lane (OWASP's profile): 40 ms of one core. Each process hashes two at a time with a short queue,
so that a flood of log-ins cannot overload the host. A password is the same in every form of Unicode that keyboards make of it
(RFC 8265, OpaqueString); hashes of earlier releases were made of the text as it was typed, and still work.
"""

import asyncio
import unicodedata
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from folkmoot.base.errors import FieldError, Plural, TooMany
from folkmoot.base.text import fold

T = TypeVar("T")
SHORTEST = 8
LONGEST = 256
_LONGEST_TYPED = 4 * LONGEST  # before composition
_AT_ONCE = 2
_LONGEST_QUEUE = 30
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_slots: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
_waiting = 0
# The hash for accounts that do not exist: comparing with it takes as long as with a real one.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$2qh6E3tZ0Yb8bq2m8GmJb1c0zQ2k7b8m8mH1m2Jc8mM"

# The most common passwords of eight or more characters, and common variants of them.
_COMMON = frozenset(
    "password password1 password123 passw0rd 12345678 123456789 1234567890 qwertyui qwertyuiop qwerty123 q1w2e3r4"
    " 1q2w3e4r 1q2w3e4r5t zaq12wsx abcd1234 abc12345 11111111 00000000 88888888 12341234 87654321 iloveyou sunshine"
    " princess football baseball superman trustno1 starwars computer michelle jennifer dragon123 letmein1 welcome1"
    " admin123 administrator changeme internet whatever mojeheslo heslo123 heslo1234 heslo12345 tajneheslo asdfghjk"
    " asdfghjkl zxcvbnm123 samantha victoria liverpool chelsea1 arsenal1 slavia123 sparta123 praha123 maminka1"
    " monkey123 shadow123 master123 qazwsxedc passwort folkmoot".split()
)


def password_errors(password: str, *, username: str = "", email: str = "") -> list[FieldError]:
    """The faults of a chosen password: too short, too long, too common, or the name itself (ASVS 5, 6.2)."""
    password = opaque(password)
    if not password:
        return [FieldError("password", "blank", "Please choose a password.")]
    if len(password) < SHORTEST:
        return [FieldError(
            "password", "too_short",
            Plural("A password has at least %(limit)d character.", "A password has at least %(limit)d characters.", "limit"),
            {"limit": SHORTEST},
        )]
    if len(password) > LONGEST:
        return [FieldError(
            "password", "too_long",
            Plural("A password has at most %(limit)d character.", "A password has at most %(limit)d characters.", "limit"),
            {"limit": LONGEST},
        )]
    folded = fold(password)
    own = {fold(word) for word in (username, email, email.partition("@")[0]) if word}
    if folded in _COMMON or folded in own or len(set(folded)) < 3:
        return [FieldError("password", "invalid", "This password is easy to guess. A few words in a row are better.")]
    return []


async def hash_password(password: str) -> str:
    return await _run_in_thread(_hasher.hash, opaque(password))


def opaque(password: str) -> str:
    """The form of a password that is hashed: in NFC, with plain spaces (RFC 8265 4.2.2)."""
    spaced = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password[: _LONGEST_TYPED])
    return unicodedata.normalize("NFC", spaced)


async def is_right(password_hash: str | None, password: str) -> bool:
    """Compares a password with a hash. Takes as long without a hash (None) as with one."""
    typed = password[:_LONGEST_TYPED]
    forms = dict.fromkeys(form[:LONGEST] for form in (opaque(typed), typed, unicodedata.normalize("NFD", typed)))

    def compare(form: str) -> bool:
        try:
            return _hasher.verify(password_hash or _NOBODY, form) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False

    for form in forms:
        if await _run_in_thread(compare, form):
            return True
    return False


async def _run_in_thread(work: Callable[[str], T], password: str) -> T:
    """Runs `work` in a thread, two at a time. Raises TooMany when the queue is full."""
    global _waiting
    slot = _slots.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(_AT_ONCE))
    if _waiting >= _LONGEST_QUEUE:
        raise TooMany(retry_after=5)
    _waiting += 1
    try:
        async with slot:
            return await asyncio.to_thread(work, password)
    finally:
        _waiting -= 1
