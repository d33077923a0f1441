"""Recordings: uploads of video and audio, from their arrival until they are encoded without metadata and become media."""
