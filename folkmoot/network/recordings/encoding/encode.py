"""Encodes one recording in a temporary folder: checks it, copies or encodes its streams, takes a picture from it."""

from pathlib import Path

from folkmoot.network.media.model import PictureKind
from folkmoot.network.recordings.encoding.containers import Container, container_of
from folkmoot.network.recordings.encoding.plans import Plan, plan_of, shown_size
from folkmoot.network.recordings.encoding.probing import Contents, Stream, input_of, probe, require_limits
from folkmoot.network.recordings.encoding.programs import run
from folkmoot.network.recordings.model import LOOPED_SECONDS, MOST_SECONDS, MOST_SECONDS_OF_AUDIO, Encoded, Failure, Refused

_QUIET = ("-v", "error", "-nostdin", "-y")
_PICTURE = "picture.png"
_PICTURE_PIXELS = 1280 * 720
_FRAMES_TO_CHOOSE_FROM = 25
_OUTPUTS = {"mp4": Container.MOV, "m4a": Container.MOV, "webm": Container.MATROSKA, "mp3": Container.MP3}


async def encode(source: Path) -> Encoded:
    """Raises Refused for a file that is no recording, is damaged, or exceeds a limit."""
    with source.open("rb") as stream:
        container = container_of(stream.read(64))
    if container is None:
        raise Refused(Failure.NOTHING)
    contents = await probe(source, container)
    require_limits(contents)
    plan = plan_of(contents)
    made = await _made(source, container, contents, plan)
    if plan.copies and (made is None or _is_incomplete(made, contents)):  # what cannot be copied can mostly be decoded
        plan = plan_of(contents, may_copy=False)
        made = await _made(source, container, contents, plan)
    if made is None:
        raise Refused(Failure.DAMAGED, "ffmpeg wrote nothing that can be played")
    return _described(source, contents, plan, made)


async def _made(source: Path, container: Container, contents: Contents, plan: Plan) -> Contents | None:
    """The contents of the file that ffmpeg wrote; None if it cannot be played.

    Streams that are copied are also decoded, and the first error ends it: what browsers get was read once without an error.
    """
    target = _target(source, plan)
    command = [*_QUIET, *(["-xerror"] if plan.copies else []), *input_of(source, container), *plan.arguments, f"file:{target.name}"]
    if plan.copies:
        used = [one for one in (contents.video, contents.audio) if one]
        most = MOST_SECONDS if contents.video else MOST_SECONDS_OF_AUDIO
        command += [part for one in used for part in ("-map", f"0:{one.index}")] + ["-t", str(most), "-f", "null", "-"]
    if shown := contents.video or contents.cover:
        command += _picture(shown)
    try:
        await run("ffmpeg", command, source.parent)
        made = await probe(target, _OUTPUTS[plan.extension])
    except Refused as refused:
        if refused.why is Failure.COSTLY:
            raise
        return None
    return made if made.video or made.audio else None


def _picture(shown: Stream) -> list[str]:
    """The arguments for a picture of a video, one of its first frames, or the cover of a sound. The picture sandbox encodes it again."""
    width, height = shown_size(shown)
    ratio = min(1.0, (_PICTURE_PIXELS / max(1, width * height)) ** 0.5)
    chosen = f"scale={max(2, round(width * ratio))}:{max(2, round(height * ratio))},setsar=1"
    if not shown.is_cover:
        chosen += f",thumbnail={_FRAMES_TO_CHOOSE_FROM}"
    return ["-map", f"0:{shown.index}", "-vf", chosen, "-frames:v", "1", "-f", "image2", "-c:v", "png", f"file:{_PICTURE}"]


def _target(source: Path, plan: Plan) -> Path:
    return source.with_name(f"encoded.{plan.extension}")


def _is_incomplete(made: Contents, contents: Contents) -> bool:
    return bool(made.video) != bool(contents.video) or bool(made.audio) != bool(contents.audio)


def _described(source: Path, contents: Contents, plan: Plan, made: Contents) -> Encoded:
    seconds, video = made.format.duration, made.video
    if contents.video and not video:
        raise Refused(Failure.DAMAGED, "no frame could be decoded")
    if seconds <= 0:
        raise Refused(Failure.DAMAGED, "it lasts no time")
    if seconds >= (MOST_SECONDS if video else MOST_SECONDS_OF_AUDIO):
        raise Refused(Failure.LONG, "the header of the file said otherwise")
    picture = source.with_name(_PICTURE)
    has_picture = picture.exists() and picture.stat().st_size > 0
    if video and not has_picture:
        raise Refused(Failure.DAMAGED, "no frame could be decoded")
    kind = PictureKind.AUDIO
    if video:
        kind = PictureKind.GIFV if made.audio is None and seconds <= LOOPED_SECONDS else PictureKind.VIDEO
    width, height = shown_size(video) if video else (0, 0)
    return Encoded(
        file=_target(source, plan), kind=kind, mime=plan.mime, extension=plan.extension, width=width, height=height, seconds=seconds,
        frame_rate=video.avg_frame_rate if video else None, bitrate=made.format.bit_rate,
        picture=picture.read_bytes() if has_picture else None,
    )
