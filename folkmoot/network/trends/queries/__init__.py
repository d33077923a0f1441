"""All SQL of trends. Only public posts count that are no replies, of accounts that want to be found, as long as nothing restricts
them (`conditions`); each account counts once for a hashtag or a link."""

from folkmoot.network.trends.queries.counting import count_day, delete_days_before, replace_trends
from folkmoot.network.trends.queries.reading import (
    get_card,
    list_hashtags,
    list_histories,
    list_limited_ids,
    list_links,
    list_post_ids,
)
from folkmoot.network.trends.queries.refusals import (
    delete_refusal,
    find_refused,
    find_site,
    insert_refusal,
    list_refusals,
    list_refused_hashtags,
    list_refused_links,
    list_sites,
)
from folkmoot.network.trends.queries.tags import count_tag, list_tag_languages, list_tag_servers

__all__ = [
    "count_day", "count_tag", "delete_days_before", "delete_refusal", "find_refused", "find_site", "get_card", "insert_refusal",
    "list_hashtags", "list_histories", "list_limited_ids", "list_links", "list_post_ids", "list_refusals", "list_refused_hashtags",
    "list_refused_links", "list_sites", "list_tag_languages", "list_tag_servers", "replace_trends",
]
