"""A search whose first narrow boxes end the process that examines them, for tests that send it elsewhere."""

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from adamsym.certify.zeros.zero_task import ZeroTask


@dataclass(frozen=True)
class KillingTask(ZeroTask):
    """The search for zeros; the first worker that comes to a box of an eighth of the width dies of it."""

    mark: Path
    parent: int

    first_operations = 0

    def all_examined(self, boxes):
        narrow = np.ptp(np.array(boxes), axis=2).max(axis=1) <= np.ptp(np.array(self.start), axis=1).max() / 8
        if narrow.any() and os.getpid() != self.parent and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().all_examined(boxes)
