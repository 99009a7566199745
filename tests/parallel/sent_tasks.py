"""Tasks that tests send to other processes, which import this module: it imports little."""

import os
import signal
import time
from pathlib import Path


class Shared:
    """What tasks share: each time that it is unpickled, the process writes its number into a file."""

    def __init__(self, factor, loads, mark):
        self.factor, self.loads, self.mark = factor, Path(loads), Path(mark)

    def __setstate__(self, state):
        vars(self).update(state)
        with self.loads.open("a") as file:
            file.write(f"{os.getpid()}\n")


def multiplied(shared, task):
    return shared.factor * task, os.getpid()


def multiplied_and_killed(shared, task):
    """The same; task 60 kills its process the first time that it is done."""
    time.sleep(0.002)
    if task == 60 and not shared.mark.exists():
        shared.mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return multiplied(shared, task)


def fatal(shared, task):
    if task == 17:
        os.kill(os.getpid(), signal.SIGKILL)
    return task
