"""Copies of training rows about other groups keep the grammar of the sentence, and are the same in each training."""

import pytest

from folkmoot.moderation.detection.groups import groups, swap_groups


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
    assert swap_groups("upekla jsem kolac", "cs", 0) is None
    assert swap_groups("ein american in paris", "de", 0) is None


def test_the_list_is_sound() -> None:
    """All groups of a class have the same forms, so that none of them is missing."""
    assert set(groups()) == {"cs", "en"}
    for forms in (forms for known in groups().values() for forms in known.classes):
        assert len(forms) > 1, forms
        assert len({len(words) for words in forms}) == 1, forms
