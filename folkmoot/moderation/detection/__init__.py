"""The detector: a small linear model that scores how much a text looks like a threat.

It orders the queue and hides; people decide. `detector.py` scores, `training.py` trains (with scikit-learn, which only it
needs), `artefact.py` reads and writes the file between the two.
"""
