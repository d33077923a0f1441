"""What a token may do: the scopes of the client API, as a tree.

`read` covers `read:statuses`; `follow` is an older scope for everything about relations. Unknown scopes are refused when
an app registers, so that its developer finds typing errors. `jury` is a scope of its own: `read` must not tell an app who is a juror.
"""

from functools import lru_cache

_READ = ("accounts blocks bookmarks collections favourites filters follows lists mutes notifications search statuses").split()
_WRITE = (
    "accounts blocks bookmarks collections conversations favourites filters follows lists media mutes notifications reports"
    " statuses"
).split()
_ADMIN = "accounts reports domain_allows domain_blocks ip_blocks email_domain_blocks canonical_email_blocks".split()
_FOLLOW = frozenset(f"{verb}:{noun}" for verb in ("read", "write") for noun in ("blocks", "follows", "mutes"))

KNOWN = frozenset(
    ["profile", "read", "write", "follow", "push", "jury", "admin:read", "admin:write"]
    + [f"read:{noun}" for noun in _READ]
    + [f"write:{noun}" for noun in _WRITE]
    + [f"admin:{verb}:{noun}" for verb in ("read", "write") for noun in _ADMIN]
)
DEFAULT = "read"


def parse(text: str) -> frozenset[str]:
    """The scopes in a text, separated by spaces or plus signs; `read` when there is none."""
    return frozenset(text.replace("+", " ").split() or [DEFAULT])


def unknown(scopes: frozenset[str]) -> frozenset[str]:
    return scopes - KNOWN


def covers(granted: frozenset[str], wanted: str) -> bool:
    """Whether `granted` includes `wanted`, by itself or through a parent."""
    if wanted in granted or ("follow" in granted and wanted in _FOLLOW):
        return True
    parent = wanted.rpartition(":")[0]
    return bool(parent) and covers(granted, parent)


@lru_cache(maxsize=4096)  # asked at each request, for few different values
def covers_any(granted: frozenset[str], wanted: str) -> bool:
    """Whether `granted` includes one of the scopes in `wanted`, which are separated by `|`."""
    return any(covers(granted, scope) for scope in wanted.split("|"))


def text(scopes: frozenset[str]) -> str:
    return " ".join(sorted(scopes))
