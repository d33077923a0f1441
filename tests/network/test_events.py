"""Events of posts and relations that an earlier release left in the queue can still be decoded."""

import msgspec
import pytest

from folkmoot.base.events import Event
from folkmoot.network.posts.events import PostCreated, PostDeleted, PostEdited
from folkmoot.network.posts.model import Visibility
from folkmoot.network.relations.model import AccountBlocked, AccountMuted, FollowEnded, FollowRequested, FollowStarted


@pytest.mark.parametrize("kind", [PostDeleted, PostEdited])
def test_an_old_event_of_a_post_is_decoded_as_of_a_direct_one(kind: type[PostDeleted]) -> None:
    event = msgspec.json.decode(b'{"post_id":5,"account_id":7}', type=kind)
    assert (event.post_id, event.account_id, event.visibility) == (5, 7, Visibility.DIRECT)


def test_an_old_event_of_a_new_post_is_decoded() -> None:
    old = b'{"post_id":5,"account_id":7,"visibility":0,"origin_id":7,"boost_of_id":null,"reply_to_account_id":8,"mentioned_ids":[9]}'
    event = msgspec.json.decode(old, type=PostCreated)
    assert (event.visibility, event.origin_id, event.reply_to_account_id, event.mentioned_ids) == (0, 7, 8, (9,))


@pytest.mark.parametrize("kind", [FollowStarted, FollowEnded, FollowRequested, AccountMuted, AccountBlocked])
def test_an_old_event_of_a_relation_is_decoded(kind: type[Event]) -> None:
    assert msgspec.json.decode(b'{"account_id":7,"target_id":8}', type=kind) == kind(account_id=7, target_id=8)  # type: ignore[call-arg]
