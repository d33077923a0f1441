"""The parts of `bin/bench moderation`: each measures one promise about moderation and returns rows of results."""
