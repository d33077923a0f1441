"""Recognises the container of an upload by its first bytes, and names the one demuxer that may open it.

ffmpeg never guesses: playlists, lists of files, subtitles and pictures have no name here, so no upload can make it open
another file or an address.
"""

from enum import StrEnum

_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1")
_FIRST_BOXES = (b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")  # of QuickTime files older than `ftyp`


class Container(StrEnum):
    """By the names of ffmpeg's demuxers."""

    MOV = "mov"
    MATROSKA = "matroska"
    OGG = "ogg"
    MP3 = "mp3"
    AAC = "aac"
    FLAC = "flac"
    WAV = "wav"


def is_audio(upload: bytes) -> bool:
    """A guess for the time before the file has been read."""
    container = container_of(upload)
    return container not in (Container.MOV, Container.MATROSKA) or upload[8:12] in (b"M4A ", b"M4B ")


def container_of(upload: bytes) -> Container | None:
    """None for anything that is neither video nor audio."""
    if upload[4:8] == b"ftyp":
        return None if upload[8:12] in _PICTURES else Container.MOV
    if upload[4:8] in _FIRST_BOXES:
        return Container.MOV
    for beginning, container in (
        (b"\x1aE\xdf\xa3", Container.MATROSKA), (b"OggS", Container.OGG), (b"fLaC", Container.FLAC), (b"ID3", Container.MP3),
    ):
        if upload.startswith(beginning):
            return container
    if upload[:4] == b"RIFF" and upload[8:12] == b"WAVE":
        return Container.WAV
    if len(upload) > 3 and upload[0] == 0xFF and upload[1] & 0xE0 == 0xE0:
        return Container.AAC if upload[1] & 0x06 == 0 and upload[1] & 0xF0 == 0xF0 else _mp3(upload)
    return None


def _mp3(upload: bytes) -> Container | None:
    """A frame header of MPEG audio: a version, layer 3, a valid bit rate and sampling rate."""
    is_valid = upload[1] & 0x18 != 0x08 and upload[1] & 0x06 == 0x02 and upload[2] & 0xF0 != 0xF0 and upload[2] & 0x0C != 0x0C
    return Container.MP3 if is_valid else None
