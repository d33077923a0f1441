"""The standby and the off-site copy take video and audio, although a recording is older than its files."""

from datetime import timedelta

import asyncpg

from folkmoot.base import clock
from folkmoot.portability.offsite.queries import list_media_since
from folkmoot.portability.standby.queries import list_recordings
from tests.recordings import needs_ffmpeg, recording
from tests.village import Village


@needs_ffmpeg
async def test_files_of_a_recording_are_copied_while_it_waits_and_when_it_is_encoded(village: Village) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    waiting = int((await jana.upload("/api/v2/media", "file", recording("wav"))).json["id"])
    connection = await asyncpg.connect(village.settings.dsn)
    try:
        [(source, size)] = await list_recordings(connection, waiting)
        assert (source.extension, size) == ("upload", len(recording("wav")))
        await village.work()
        assert [name.extension for name, _ in await list_recordings(connection, waiting - 1)] == ["m4a"]
        assert await list_recordings(connection, waiting) == []
        later = clock.now() + timedelta(minutes=5)  # a base that was made between upload and encoding
        assert [path.rpartition(".")[2] for path in await list_media_since(connection, later)] == ["m4a"]
        assert await list_media_since(connection, later + timedelta(days=2)) == {}
    finally:
        await connection.close()
