"""Learning from verdicts: settled cases and reviewed samples become the training rows of this network."""
