"""The verbs of juries: what jurors do (`reviewing`)."""
