"""Fills the wire shape of pictures, video and audio: those of a post, and uploads that no post shows yet."""

from typing import Literal

from msgspec import UNSET

from folkmoot.api import status_shapes as shapes
from folkmoot.http.urls import Urls
from folkmoot.network.media.model import PictureKind, Upload
from folkmoot.network.posts.model import Picture, Post
from folkmoot.network.recordings.model import Recording

_Type = Literal["image", "video", "gifv", "audio"]
_TYPES: dict[str, _Type] = {PictureKind.VIDEO: "video", PictureKind.GIFV: "gifv", PictureKind.AUDIO: "audio"}


class MediaEntities:
    """Creates the wire shapes of media, with the URLs of this network."""

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

    def recording(self, recording: Recording) -> shapes.MediaAttachment:
        """A recording that is not encoded yet: it has no URL."""
        return shapes.MediaAttachment(
            id=str(recording.id), type="audio" if recording.is_audio else "video", url=None, preview_url=None, remote_url=None,
            preview_remote_url=None, text_url=None,
            meta=shapes.MediaMeta(focus=_focus(recording)), description=recording.description or None, blurhash=recording.blurhash or None,
        )

    def _attachment(self, picture: Picture | Upload, url: str, preview_url: str) -> shapes.MediaAttachment:
        has_preview = picture.preview_width > 0
        return shapes.MediaAttachment(
            id=str(picture.id),
            type=_TYPES.get(picture.kind, "image"),
            url=url,
            preview_url=preview_url if has_preview else None,
            remote_url=None,
            preview_remote_url=None,
            text_url=None,
            meta=_meta(picture),
            description=picture.description or None,
            blurhash=picture.blurhash or None,
        )


def _meta(picture: Picture | Upload) -> shapes.MediaMeta:
    original = shapes.OriginalSize()
    small = _size(picture.preview_width, picture.preview_height) if picture.preview_width else UNSET
    meta = shapes.MediaMeta(original=original, small=small, focus=_focus(picture))
    if picture.width:
        size = _size(picture.width, picture.height)
        original.width, original.height, original.size, original.aspect = size.width, size.height, size.size, size.aspect
    if picture.seconds is not None:
        original.duration, original.bitrate = round(picture.seconds, 3), picture.bitrate or 0
        meta.length, meta.duration = _length(picture.seconds), round(picture.seconds, 2)
        if picture.frame_rate:
            original.frame_rate, meta.fps = picture.frame_rate, _rounded(picture.frame_rate)
            meta.size, meta.width, meta.height, meta.aspect = original.size, original.width, original.height, original.aspect
    return meta


def _focus(picture: Picture | Upload | Recording) -> shapes.Point:
    return shapes.Point(x=round(picture.focus_x, 4), y=round(picture.focus_y, 4))


def _length(seconds: float) -> str:
    return f"{int(seconds // 3600)}:{int(seconds % 3600 // 60):02}:{seconds % 60:05.2f}"


def _rounded(fraction: str) -> int:
    above, _, below = fraction.partition("/")
    return round(int(above) / max(1, int(below or 1)))


def _size(width: int, height: int) -> shapes.Size:
    return shapes.Size(width=width, height=height, size=f"{width}x{height}", aspect=round(width / max(1, height), 6))
