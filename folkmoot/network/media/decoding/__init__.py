"""From an uploaded file to plain pixels: formats, frames, colours, orientation. Imported by the sandbox only (`reencode.py`)."""
