"""What the conditions of a rule can be about, with their types. docs/operate/rules.md lists them from here.

Counts are bounded, so that a post costs the same however busy its author or its thread is: `most` is the highest value.
"""

from enum import Enum, IntFlag, auto

import msgspec


class Kind(Enum):
    NUMBER = auto()
    TIME = auto()  # in seconds
    FLAG = auto()
    CHOICE = auto()
    PHRASES = auto()


class Dear(IntFlag):
    """What is counted only for posts that a rule which asks for it could still meet."""

    POSTS = auto()  # of the author
    CROWD = auto()  # around those whom the post addresses
    COPIES = auto()  # of the text
    SIGN_UPS = auto()


EVERYTHING = Dear.POSTS | Dear.CROWD | Dear.COPIES | Dear.SIGN_UPS


class Attribute(msgspec.Struct, frozen=True):
    """`most`: a number is counted up to here. `choices`: the known words; empty for a code of a language."""

    kind: Kind
    about: str
    most: int = 10_000
    choices: tuple[str, ...] = ()
    dear: Dear = Dear(0)


SAYS = "says"
REPEATS_REMOVED = "repeats a removed post"
MOST_POSTS, MOST_PEOPLE, MOST_COPIES, MOST_SIGN_UPS = 200, 100, 200, 200

ATTRIBUTES: dict[str, Attribute] = {
    "account age": Attribute(Kind.TIME, "how long ago the author signed up; imported posts count as old"),
    "followers": Attribute(Kind.NUMBER, "followers of the author", 1_000_000_000),
    "neighbouring sign-ups": Attribute(
        Kind.NUMBER, "accounts that signed up within an hour of the author; 0 for an author older than a week", MOST_SIGN_UPS,
        dear=Dear.SIGN_UPS),
    "posts in the last hour": Attribute(Kind.NUMBER, "posts of the author, with this one", MOST_POSTS, dear=Dear.POSTS),
    "people addressed in the last hour": Attribute(
        Kind.NUMBER, "different accounts that the author has mentioned or answered", MOST_PEOPLE, dear=Dear.POSTS),
    "posts at one person in the last hour": Attribute(
        Kind.NUMBER, "posts of the author that address the same account as this one", MOST_PEOPLE, dear=Dear.CROWD),
    "accounts at one person in the last hour": Attribute(
        Kind.NUMBER, "different accounts that address the same account as this post", MOST_PEOPLE, dear=Dear.CROWD),
    "new accounts at one person in the last hour": Attribute(
        Kind.NUMBER, "of these, who signed up less than a week ago", MOST_PEOPLE, dear=Dear.CROWD),
    "addresses": Attribute(Kind.NUMBER, "different links in the post, without those that lead to this network"),
    "hosts": Attribute(Kind.NUMBER, "different hosts of these links"),
    "new hosts": Attribute(Kind.NUMBER, "hosts that nobody here had named until a day ago"),
    "mentions": Attribute(Kind.NUMBER, "accounts that the post mentions"),
    "strangers mentioned": Attribute(
        Kind.NUMBER, "of these, who do not follow the author and do not take part in what the post answers"),
    "same text by the author": Attribute(
        Kind.NUMBER, "posts of the author with the same text within a day, with this one", MOST_COPIES, dear=Dear.COPIES),
    "accounts with the same text": Attribute(
        Kind.NUMBER, "different accounts that posted the same text within an hour", MOST_COPIES, dear=Dear.COPIES),
    "words": Attribute(Kind.NUMBER, "words of the text"),
    "hashtags": Attribute(Kind.NUMBER, "hashtags of the post"),
    "has a picture": Attribute(Kind.FLAG, "the post has a picture"),
    "has a poll": Attribute(Kind.FLAG, "the post has a poll"),
    "has a cover": Attribute(Kind.FLAG, "its author covers it with a content warning"),
    "is a reply": Attribute(Kind.FLAG, "the post answers another one"),
    "answers a stranger": Attribute(
        Kind.FLAG, "it answers somebody who does not follow the author and did not mention the author in the answered post"),
    "was edited": Attribute(Kind.FLAG, "this is a later version of the post"),
    REPEATS_REMOVED: Attribute(Kind.FLAG, "people have removed a post with the same text, and the decision stands"),
    "visibility": Attribute(Kind.CHOICE, "public, unlisted or followers", choices=("public", "unlisted", "followers")),
    "language": Attribute(Kind.CHOICE, "the language that the author chose, such as cs"),
    SAYS: Attribute(Kind.PHRASES, "the post has one of these words or phrases; `*` at the end of a word stands for any ending"),
}
