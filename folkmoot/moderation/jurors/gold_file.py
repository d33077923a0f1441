"""Reads the questions of the training from Markdown, and finds every fault with its line.

The same kind of form as a policy file (`clauses/policy_file.py`). `gold.md` in this folder is the shipped file, and the best
description of the form:

    ## key                           small letters, digits and hyphens
    Breaks: violence                 the key of a rule, or `nothing`
    Looks like: violence             for `nothing`: the rule that comes to mind
    Also right: harassment           optional: other rules that count as right
    ### English                      or ### Čeština; a question may lack a language
    Context: …                       optional: what a juror would also be shown
    > the words to judge             as many lines as needed
    Why: …                           what the juror reads after the answer
"""

import re
from collections.abc import Collection
from typing import NamedTuple

import msgspec

from folkmoot.base.i18n import LANGUAGES
from folkmoot.moderation.clauses.markdown_file import LANGUAGE_OF, Fault, hint, short, split_list
from folkmoot.moderation.jurors.model import MOST_BREACHES, QUESTIONS

NOTHING = "nothing"
FEWEST_PER_LANGUAGE = 2 * QUESTIONS  # so that a second try has other questions
_LONGEST = {"context": 500, "text": 2000, "why": 1000}
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
_FIELDS = ("Breaks", "Looks like", "Also right")
_WORDS = {"en": {"Context": "context", "Why": "why"}, "cs": {"Souvislost": "context", "Proč": "why"}}


class Wording(msgspec.Struct, frozen=True):
    """A question in one language. `why`: the explanation after the answer."""

    text: str
    why: str
    context: str = ""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """`breaks`: key of the broken clause, or "". `topic`: the clause it is about, which some jurors leave to others."""

    key: str
    breaks: str
    topic: str
    also_right: tuple[str, ...] = ()
    wordings: dict[str, Wording]

    @property
    def near(self) -> tuple[str, ...]:
        """The rules that come to mind."""
        return (self.topic, *self.also_right)

    def is_right(self, answer: str | None) -> bool:
        """"Can't say" is an answer, but not a right one."""
        return answer is not None and answer in (self.breaks, *self.also_right)


class GoldFile(NamedTuple):
    """The result. `questions` is empty with faults."""

    questions: tuple[Question, ...]
    faults: list[Fault]


def read_gold(source: str, clauses: Collection[str] | None = None) -> GoldFile:
    """The questions of a file, or all faults in it. `clauses`: the keys of the rules in force; None for a file that was checked before,
    and that may name rules which were dropped since."""
    reader = _Reader(source)
    questions = [reader.question(draft, clauses) for draft in reader.drafts]
    found = tuple(question for question in questions if question)
    if not reader.faults:
        _check_amount(found, reader.faults)
    return GoldFile(() if reader.faults else found, sorted(reader.faults))


def lacking(questions: Collection[Question], clauses: Collection[str]) -> list[str]:
    """Sentences about rules without a question of each kind: no faults, but worth knowing."""
    notes = []
    for code, name in LANGUAGES.items():
        written = [one for one in questions if code in one.wordings]
        broken, looked_like = {one.breaks for one in written}, {one.topic for one in written if not one.breaks}
        for kind, known in (("breaks", broken), ("only looks like", looked_like)):
            if written and (missing := [clause for clause in clauses if clause not in known]):
                notes.append(f"{name}: there is no question that {kind} {', '.join(missing)}.")
    return notes


class _Draft:
    """A question while it is read. `words`: by language, the lines of each part."""

    def __init__(self, line: int, key: str) -> None:
        self.line, self.key = line, key
        self.fields: dict[str, tuple[int, str]] = {}
        self.words: dict[str, dict[str, list[str]]] = {}


class _Reader:
    """Sorts the lines into drafts. `_language` and `_part` are where the next line belongs."""

    def __init__(self, source: str) -> None:
        self.faults: list[Fault] = []
        self.drafts: list[_Draft] = []
        self._language = self._part = ""
        for number, line in enumerate(source.removeprefix("\ufeff").split("\n"), start=1):
            self._read(number, line.strip())

    def _read(self, number: int, line: str) -> None:
        if line.startswith("### "):
            self._open_language(number, line.removeprefix("### ").strip())
        elif line.startswith("## "):
            self._open_question(number, line.removeprefix("## ").strip())
        elif not line or (line.startswith("# ") and not self.drafts):
            self._part = ""
        elif not self.drafts:
            self._fault(number, "text belongs below a question. A question begins with a line such as “## a-key”.")
        elif self._language:
            self._read_words(number, line)
        else:
            self._read_field(number, line)

    def _open_question(self, number: int, key: str) -> None:
        self._language = self._part = ""
        if not _KEY.fullmatch(key):
            self._fault(number, f"a key has at most 60 small letters, digits and hyphens, not “{short(key)}”.")
        if any(draft.key == key for draft in self.drafts):
            self._fault(number, f"the key “{short(key)}” is there twice. Answers are stored with it, so give this question another.")
        self.drafts.append(_Draft(number, key))

    def _open_language(self, number: int, name: str) -> None:
        self._language, self._part = LANGUAGE_OF.get(name, ""), ""
        if not self._language or not self.drafts:
            self._fault(number, f"“### {short(name)}” is not known. Write {' or '.join(f'“### {known}”' for known in LANGUAGE_OF)}"
                                " below a question.")
        elif self._language in self.drafts[-1].words:
            self._fault(number, f"this question has {name} twice.")
        else:
            self.drafts[-1].words[self._language] = {"context": [], "text": [], "why": []}

    def _read_field(self, number: int, line: str) -> None:
        name, colon, value = (part.strip() for part in line.partition(":"))
        if not colon or name not in _FIELDS:
            self._fault(number, f"“{short(name)}” is not known. {hint(name, _FIELDS)}")
        else:
            self.drafts[-1].fields[name] = number, value

    def _read_words(self, number: int, line: str) -> None:
        parts = self.drafts[-1].words[self._language]
        name, colon, value = (part.strip() for part in line.partition(":"))
        known = _WORDS[self._language]
        if line.startswith(">"):
            parts["text"].append(line[1:].strip())
            self._part = "text"
        elif colon and name in known:
            self._part = known[name]
            parts[self._part].append(value)
        elif self._part in ("context", "why"):
            parts[self._part][-1] += f" {line}"  # a long sentence goes on in the next line
        else:
            self._fault(number, f"begin the words to judge with “> ”, other lines with {' or '.join(f'“{one}:”' for one in known)}:"
                                f" {short(line)}")

    def question(self, draft: _Draft, clauses: Collection[str] | None) -> Question | None:
        """The question of a draft; None with faults."""
        before = len(self.faults)
        breaks = self._rule(draft, "Breaks", None if clauses is None else [*clauses, NOTHING])
        topic = self._rule(draft, "Looks like", clauses) if breaks == NOTHING else breaks
        if breaks != NOTHING and "Looks like" in draft.fields:
            self._fault(draft.fields["Looks like"][0], "“Looks like” is for questions that break nothing.")
        line, value = draft.fields.get("Also right", (draft.line, ""))
        also = split_list(value)
        for one in also:
            if breaks == NOTHING or (clauses is not None and one not in clauses):
                self._fault(line, f"“{short(one)}” cannot be right as well: name other rules, and only where a rule is broken.")
        wordings = {code: self._wording(draft, code, parts) for code, parts in draft.words.items()}
        if not wordings:
            self._fault(draft.line, "the question has no words. Add “### English” or “### Čeština”, and below it the words to judge.")
        if len(self.faults) > before:
            return None
        return Question(key=draft.key, breaks="" if breaks == NOTHING else breaks, topic=topic, also_right=also, wordings=wordings)

    def _rule(self, draft: _Draft, name: str, known: Collection[str] | None) -> str:
        line, value = draft.fields.get(name, (draft.line, ""))
        if not value:
            self._fault(line, f"the question lacks “{name}: ” with the key of a rule, such as “violence”.")
        elif known is not None and value not in known:
            self._fault(line, f"“{short(value)}” is no rule. {hint(value, known)}")
        return value

    def _wording(self, draft: _Draft, code: str, parts: dict[str, list[str]]) -> Wording:
        texts = {part: "\n".join(lines).strip() for part, lines in parts.items()}
        for part, text in texts.items():
            if len(text) > _LONGEST[part]:
                self._fault(draft.line, f"{LANGUAGES[code]}: {part} has at most {_LONGEST[part]} characters.")
            if not text and part != "context":
                missing = "words to judge, in lines that begin with “> ”" if part == "text" else "explanation"
                self._fault(draft.line, f"{LANGUAGES[code]}: the question has no {missing}.")
        return Wording(texts["text"], texts["why"], texts["context"])

    def _fault(self, line: int, text: str) -> None:
        self.faults.append(Fault(line, text))


def _check_amount(questions: Collection[Question], faults: list[Fault]) -> None:
    """A language needs enough questions for two trainings, and enough of each kind; so does the file as a whole."""
    if not questions:
        faults.append(Fault(1, "there is no question. A question begins with a line such as “## a-key”."))
    for code, name in LANGUAGES.items():
        written = [one for one in questions if code in one.wordings]
        breaches = sum(bool(one.breaks) for one in written)
        if 0 < len(written) < FEWEST_PER_LANGUAGE:
            faults.append(Fault(1, f"{name} has {len(written)} questions. A training has {QUESTIONS}, and a second one needs others:"
                                   f" write at least {FEWEST_PER_LANGUAGE}."))
        elif written and min(breaches, len(written) - breaches) < MOST_BREACHES:
            faults.append(Fault(1, f"{name} has {breaches} questions that break a rule and {len(written) - breaches} that break none."
                                   f" Write at least {MOST_BREACHES} of each."))
