"""From an uploaded file to one that browsers play: containers, limits, the commands of ffmpeg. The only code that runs it."""
