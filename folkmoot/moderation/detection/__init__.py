"""The detector: a small linear model that reads a text and says how much it looks like a threat.

It orders and hides; people decide. `detector.py` scores, `training.py` learns (with scikit-learn, which nothing else
needs), `artefact.py` is the file between the two.
"""
