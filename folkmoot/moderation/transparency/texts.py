"""Part 11 of a report: how the service moderates, in words (Implementing Regulation (EU) 2024/2835, Annex II 2).

The texts describe what the software does, with numbers of the period. An operator who does more, or otherwise, edits the file.
"""

from collections.abc import Iterator

from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.transparency.categories import Row
from folkmoot.moderation.transparency.model import Figures

_LONGEST = 5000
_LARGE_ONLY = (
    "High-level description of the content moderation governance structure",
    "Qualifications of the human resources dedicated to content moderation",
    "Training given to human resources dedicated to content moderation",
    "Support given to human resources dedicated to content moderation ",
    "Methodology used to compute the number of human resources dedicated to content moderation  ",
)


def qualitative(figures: Figures) -> Iterator[Row]:
    yield ["Applicability", "Service", "Reporting period", "Indicator", "Value"]
    for indicator, text in (
        ("Summary of the content moderation engaged in at the providers’ own initiative", _summary(figures)),
        ("Meaningful and comprehensible information regarding content moderation engaged in at the providers' own initiative", _METHODS),
        ("Qualitative description of the automated means", _MEANS),
        ("Qualitative description of indicators of accuracy and possible rate of error of automated means", _INDICATORS),
        ("Specification of the precise purposes to apply automated means", _PURPOSES),
        ("Safeguards applied to the use of automated means", _SAFEGUARDS),
    ):
        yield ["All", figures.service, str(figures.span), indicator, text[:_LONGEST]]
    for indicator in _LARGE_ONLY:
        yield ["Only for VLOPs", figures.service, str(figures.span), indicator, ""]


def _summary(figures: Figures) -> str:
    rules = "; ".join(f"{clause.number}. {clause.title['en']}" for clause in current().clauses)
    total = sum(one.number for one in figures.measures)
    return (
        f"The service has published numbered rules: {rules}. In this period {total} restrictions were imposed under them. A restriction of"
        " a post is a label that covers it and names the rule, a limit of its reach, hiding it for a time, or its removal; of an account"
        " a warning, a limit of its reach, freezing it for a time, or its suspension. Each comes with a statement of reasons to the"
        " author, who can appeal for six months; somebody else decides about an appeal. A post about which nobody has decided at its"
        " deadline is hidden until people decide."
    )


_METHODS = (
    "Posts, profiles and descriptions of pictures are examined after they were published, by a text detector, by lists of known"
    " files, pictures, texts and addresses, and by rules about spam and floods. What they point out, and what members"
    " report, opens a case, which people decide. Private"
    " messages are never examined; they get a case only when a recipient reports them. How often content that breaks the rules is"
    " seen is estimated from a daily random sample that people judge, and published by month with its uncertainty, where enough of it was"
    " judged."
)
_MEANS = (
    "A text detector estimates the probability of threats and incitement to violence. It is a linear model of word and character"
    " sequences of the text, after disguises such as digits for letters were folded. It has two thresholds for each language: from"
    " the lower one on a person looks at the post, from the higher one on the post is hidden until a person has decided. Lists of"
    " hashes recognise exact copies of known content, which are hidden until a person has decided, and similar pictures, which a"
    " person looks at. Published, versioned rules recognise spam, floods and repetitions of removed posts; they can cover a post, limit"
    " its reach or hide it until a person has decided."
)
_INDICATORS = (
    "Accuracy, precision and recall in part 8 compare what the automated means had hidden with what people decided about the same"
    " posts, after all appeals. The detector is also measured on texts that were set aside for this purpose, and by authors whom its"
    " training did not contain; its model card gives the rates for each kind of text. Its thresholds are chosen so that at most 1 %"
    " of neutral text is shown to a person, and at most 0.2 % is hidden."
)
_PURPOSES = (
    "To find threats and incitement to violence within seconds, to recognise known content again, and to bring what is likely to do"
    " most harm before people first."
)
_SAFEGUARDS = (
    "No automated means removes anything for good or restricts an account. What they do to a post lasts only until people decide, with a"
    " statement of reasons to the author at once. Decisions of people show how often the means were right. Each step is an entry in"
    " a log that can only be added to."
)
