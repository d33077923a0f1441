"""The preview of a decision about many posts with the same words. `proposals.py` has the answer of the second moderator."""

from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access, Route
from folkmoot.moderation.cases.queries import get_case, is_concerned
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.verdicts.alike import MOST_COUNTED, list_alike_posts
from folkmoot.moderation.verdicts.queries import count_alike
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.posts.versions import PostVersion
from folkmoot.web.request import Request


async def preview(request: Request) -> Reply:
    """The other posts with the same words as that of a case: their times, and letters instead of their authors."""
    async with request.database.read() as conn:
        case = await get_case(conn, request.id())
        if await is_concerned(conn, request.viewer.id, case.id):
            return await request.show("moderate/concerned.html", 403)
        version = (await read_subject(conn, case)).newest
        if not isinstance(version, PostVersion) or case.is_appeal:
            raise NotFound
        count = await count_alike(conn, version, case.subject_id, MOST_COUNTED)
        posts = await list_alike_posts(conn, version, case.subject_id)
    masks = Masks("")
    listed = [(masks.letter_of(post.author.acct), post) for post in posts]
    return await request.show("moderate/alike.html", case=case, text=masks.mask(version.text), listed=listed, count=count)


ROUTES = [Route("GET", "/moderate/cases/{id}/alike", preview, Access.MODERATOR)]
