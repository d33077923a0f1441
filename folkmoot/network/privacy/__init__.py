"""The privacy policy: a text of the release that is true for every network, or the operator's own."""
