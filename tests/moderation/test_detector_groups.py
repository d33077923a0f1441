"""Copies of training rows about other groups keep the grammar of the sentence, and are the same in each training; a text gets the score
of the same words about others."""

import numpy as np
import pytest

from folkmoot.moderation.detection.detector import Detector
from folkmoot.moderation.detection.groups import about_others, groups, swap_groups
from folkmoot.moderation.detection.model import Example


@pytest.mark.parametrize(("lang", "folded"), [
    ("cs", "kazdeho ukrajince bych vyhodil"), ("cs", "rekl to nejakej polak polakum"), ("cs", "zidovska rodina"),
    ("en", "the muslims next door and a muslim family"), ("en", "my nurse is a feminist"), ("en", "an american and a mexican"),
])
def test_another_group_stands_at_the_same_places_in_the_same_form(lang: str, folded: str) -> None:
    words, places = folded.split(" "), groups()[lang].places
    for number in range(5):
        copy = swap_groups(folded, lang, number)
        assert copy
        assert copy == swap_groups(folded, lang, number)
        for before, after in zip(words, copy.split(" "), strict=True):
            if before in places:
                assert places[before].kind == places[after].kind
                assert places[before].form == places[after].form
                assert places[before].group != places[after].group
            else:
                assert before == after
    assert len({swap_groups(folded, lang, number) for number in range(3)}) > 1


def test_the_same_group_becomes_the_same_one() -> None:
    copy = swap_groups("the only good communist is a dead communist", "en", 0)
    assert copy
    assert copy.split(" ")[3] == copy.split(" ")[-1] != "communist"


def test_what_names_no_group_has_no_copy() -> None:
    for folded, lang in (("upekla jsem kolac", "cs"), ("ein american in paris", "de"), ("an american in paris", None)):
        assert swap_groups(folded, lang, 0) is None
        assert about_others(folded, lang) == []


@pytest.mark.parametrize(("lang", "one", "other"), [
    ("en", "we are going to batter some arabs", "we are going to batter some swedes"),
    ("en", "a turk hit a greek and the turk ran", "a swede hit an indian and the swede ran"),
    ("cs", "jdeme mlatit araby", "jdeme mlatit italy"),
])
def test_a_text_is_scored_as_the_same_words_about_others(lang: str, one: str, other: str) -> None:
    found = about_others(one, lang)
    assert len(set(found)) == len(found) > 1
    assert found == about_others(other.replace(" an ", " a "), lang)
    places = groups()[lang].places
    named = [[places[word].group for word in text.split(" ") if word in places] for text in (one, *found)]
    assert len({tuple(some.index(group) for group in some) for some in named}) == 1  # who is the same stays the same
    detector = Detector.load()
    first, second = detector.score([one, other.replace(" an ", " a ")], [lang, lang])
    assert first.score == second.score
    assert first.score != detector.score([one], [None])[0].score  # as it stands


def test_the_list_is_sound() -> None:
    """All groups of a class have the same forms, so that none of them is missing."""
    assert set(groups()) == {"cs", "en"}
    for forms in (forms for known in groups().values() for forms in known.classes):
        assert len(forms) > 1, forms
        assert len({len(words) for words in forms}) == 1, forms


def test_a_row_and_its_copies_share_its_weight_and_label() -> None:
    # Here, because each test process imports this file, and that takes a second.
    from folkmoot.moderation.detection.training import FittedModel, training_set_of

    texts = ["beat up the feminists", "feminists sing tonight", "beat the eggs", "sing with me tonight"]
    rows = [Example(str(number), text, "en", (number + 1) % 2, "train", "x", str(number), {}) for number, text in enumerate(texts)]
    weights = np.array([6.0, 2.0, 1.0, 1.0])
    found = training_set_of(rows, np.array([1.0, 0.0, 1.0, 0.0]), weights, np.array([-1, 0, -1, 0]))
    assert np.allclose(np.bincount(found.row_of, found.weights), weights)
    assert np.bincount(found.row_of).tolist() == [4, 4, 1, 1]
    assert (found.labels == (found.row_of + 1) % 2).all()
    assert (found.origins == -(found.row_of % 2 == 0).astype(int)).all()
    alone, both = FittedModel(found, np.arange(4)), FittedModel(found, np.arange(len(found.labels)))
    assert all((one == other).all() for one, other in zip(alone.idfs, both.idfs, strict=True))  # counted without copies
