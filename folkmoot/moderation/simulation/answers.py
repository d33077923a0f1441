"""What each synthetic juror answers to each question. No input or output.

An answer follows from the seed, the juror and the question alone, so that all rules that are compared hear the same answers, in whatever
order they ask.
"""

import hashlib
from collections import Counter

import numpy as np

from folkmoot.moderation.jury import synthetic
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.jury.synthetic import Juror, SyntheticCase, World


class Answers:
    """Counts the answers of each juror, because those in bad faith may be patient first (`World.patience`)."""

    def __init__(self, world: World, seed: int) -> None:
        self._world, self._seed = world, seed
        self._given: Counter[int] = Counter()

    def training(self, juror: Juror, question: str, truth: Answer) -> Answer:
        """To a question whose answer everybody can read in the file: also jurors in bad faith answer it in good faith."""
        known = SyntheticCase(id=0, author_id=0, side=None, truth=truth, hardness=0.0, is_agreed=False, line=None)
        return synthetic.answer(self._world, juror, known, self._dice("training", juror.id, question), is_honest=True)

    def to_case(self, juror: Juror, case: SyntheticCase) -> Answer:
        """To a case, or to a gold question that was one."""
        self._given[juror.id] += 1
        return self.said(juror, case, is_honest=self._given[juror.id] <= self._world.patience)

    def said(self, juror: Juror, case: SyntheticCase, *, is_honest: bool = False) -> Answer:
        return synthetic.answer(self._world, juror, case, self._dice("case", juror.id, case.id), is_honest=is_honest)

    def staff(self, case: SyntheticCase) -> Answer:
        return synthetic.staff_answer(self._world, case, self._dice("staff", case.id))

    def detector(self, case: SyntheticCase) -> Answer | None:
        return synthetic.detector_says(self._world, case, self._dice("detector", case.id))

    def reporter(self, case: SyntheticCase, count: int) -> int:
        """Which of `count` reporters has reported a case."""
        return int(self._dice("reporter", case.id).integers(count))

    def is_threat(self, case: SyntheticCase, share: float) -> bool:
        """Whether a case is one of this share of all."""
        return bool(self._dice("threat", case.id).random() < share)

    def is_absent(self, juror: Juror, day: int) -> bool:
        return bool(self._dice("absent", juror.id, day).random() < self._world.absent)

    def _dice(self, *parts: object) -> np.random.Generator:
        digest = hashlib.sha256(" ".join(map(str, (self._seed, *parts))).encode()).digest()
        return np.random.default_rng(int.from_bytes(digest[:8], "big"))
