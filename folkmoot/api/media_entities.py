"""Fills the wire shape of pictures: those of a post, and uploads that no post shows yet."""

from folkmoot.api import status_shapes as shapes
from folkmoot.http.urls import Urls
from folkmoot.network.media.model import Upload
from folkmoot.network.posts.model import Picture, Post


class MediaEntities:
    """Creates the wire shapes of pictures, with the URLs of this network."""

    _urls: Urls

    def picture(self, post: Post, picture: Picture) -> shapes.MediaAttachment:
        return self._attachment(
            picture, self._urls.of_post(post, picture), self._urls.of_post(post, picture, is_preview=True)
        )

    def upload(self, upload: Upload) -> shapes.MediaAttachment:
        """An upload that no post shows yet: only its owner gets its signed URL."""
        urls = self._urls
        return self._attachment(
            upload, urls.picture(upload.key, upload.mime, is_open=False),
            urls.picture(upload.key, upload.mime, is_preview=True, is_open=False),
        )

    def _attachment(self, picture: Picture | Upload, url: str, preview_url: str) -> shapes.MediaAttachment:
        return shapes.MediaAttachment(
            id=str(picture.id),
            type="image",
            url=url,
            preview_url=preview_url,
            remote_url=None,
            preview_remote_url=None,
            text_url=None,
            meta=shapes.MediaMeta(
                original=_size(picture.width, picture.height),
                small=_size(picture.preview_width, picture.preview_height),
                focus=shapes.Point(x=round(picture.focus_x, 4), y=round(picture.focus_y, 4)),
            ),
            description=picture.description or None,
            blurhash=picture.blurhash or None,
        )


def _size(width: int, height: int) -> shapes.Size:
    return shapes.Size(width=width, height=height, size=f"{width}x{height}", aspect=round(width / max(1, height), 6))
