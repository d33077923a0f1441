"""Juries: who sits on which case, what they answer, and how their answers become a verdict. The mathematics is in `moderation/jury`."""
