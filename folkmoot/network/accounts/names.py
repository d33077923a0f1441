"""Which names are kept for the network itself, so that nobody is taken for those who run it.

Only a name that says nothing else is refused: `Admin`, `M0DERATOR`, `Support Team`, or the same in letters that look alike.
`Support Ukraine` and `Admin Ajna` are names as others are. Who really runs the network is shown by a badge beside the name.
"""

import re

from folkmoot.base.look_alikes import skeleton

_OFFICIAL = frozenset(
    "admin administrator administrators admins administrace folkmoot jury juror jurors moderator moderators moderace moderation"
    " moderatori mod mods operator operators porota porotce porotci root spravce spravci spravcove sprava staff support podpora sysadmin"
    " system team tym webmaster helpdesk".split()
)
_BESIDE = frozenset(
    "the of official oficialni account ucet profil profile na pro podpory moderatoru spravcu site server webu serveru".split()
)
RESERVED_USERNAMES = frozenset(
    "about abuse api auth help home hostmaster info legal login logout media me noreply notifications oauth postmaster"
    " policy privacy rules search security settings sign_up signup static tags webmaster everyone all here".split()
)
_DIGITS = str.maketrans("013457", "oieast")
_WORD = re.compile(r"[a-z]+")


def is_reserved(username: str) -> bool:
    return username.lower() in RESERVED_USERNAMES or looks_official(username)


def looks_official(name: str) -> bool:
    """Whether a name says that it is the network or its team, and nothing else: `Správce`, `M0DERATOR`, `P o r o t a`."""
    spelled = skeleton(name)
    return any(map(_is_official, (spelled, spelled.translate(_DIGITS))))


def _is_official(spelled: str) -> bool:
    words = _WORD.findall(spelled)
    return "".join(words) in _OFFICIAL or (
        any(word in _OFFICIAL for word in words) and all(word in _OFFICIAL or word in _BESIDE for word in words)
    )
