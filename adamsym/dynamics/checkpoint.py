"""Checkpoints: files that hold all of a run, so that it can go on after an interruption."""

import hashlib
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adamsym.dynamics.run import Run, multiples
from adamsym.expressions.compilation import FloatArray
from adamsym.expressions.errors import InputError
from adamsym.expressions.files import open_regular
from adamsym.expressions.whole_files import write_whole
from adamsym.gradients.record import problem_text
from adamsym.methods.recursion import attributes_of

_LONGEST_HEADER = 2**10

LARGEST_FILE = 2**36
"""Bytes of a checkpoint."""


def run_digest(run: Run, theta0: ArrayLike, seed: int, record_every: int) -> str:
    """Return a digest of all that determines a run's numbers but the number of its steps."""
    kind = type(run.method)
    method = {name: str(value) for name, value in attributes_of(run.method).items()}
    start = np.broadcast_to(np.asarray(theta0, np.float64), (run.chains, run.problem.dimension))
    text = [kind.__module__, kind.__qualname__, method, str(run.schedule.expression), run.chains, seed, record_every]
    if run.box is not None:
        text.append(run.box.tolist())
    whole = problem_text(run.problem) + json.dumps(text)
    return hashlib.sha256(whole.encode() + start.tobytes()).hexdigest()


def save_checkpoint(path: Path, digest: str, run: Run, recorded: FloatArray) -> None:
    """Write a run's state and records so that the file is there whole or not at all."""
    arrays: dict[str, Any] = _named(run.state())
    arrays |= {"digest": np.array(digest), "step": np.array(run.step), "recorded": recorded}
    write_whole(path, lambda file: np.savez(file, **arrays), "checkpoint")


def load_checkpoint(path: Path, digest: str, run: Run, steps: int, recorded: FloatArray, record_every: int) -> None:
    """Put a checkpoint's state into ``run``, which is to end after ``steps`` steps, and its records into ``recorded``.

    Raises
    ------
    InputError
        If the file is no regular one, no checkpoint, one of another run, or of more steps than are asked for.
    """
    expected = {name: (array.shape, array.dtype) for name, array in _named(run.state()).items()}
    try:
        with (
            open_regular(path, LARGEST_FILE, f"checkpoint {str(path)[:80]!r}") as file,
            zipfile.ZipFile(file) as archive,
        ):
            if str(_member(archive, "digest", (), np.dtype("<U64"))) != digest:
                raise InputError(
                    f"checkpoint: {str(path)[:80]!r} is of another problem, method, schedule, start, seed, "
                    "number of chains, record or projection"
                )
            step = int(_member(archive, "step", (), np.dtype(np.int64)))
            count = multiples(0, step, record_every)
            if not 0 < step <= steps:
                raise InputError(f"checkpoint: {str(path)[:80]!r} has {step} steps, more than are asked for")
            kept = _member(archive, "recorded", (count, *recorded.shape[1:]), np.dtype(np.float64))
            state = [_member(archive, name, *kind) for name, kind in expected.items()]
    except (OSError, ValueError, KeyError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"checkpoint: {str(path)[:80]!r} is no checkpoint, or damaged") from None
    recorded[:count] = kept
    run.restore(step, state)


def _named(state: tuple[NDArray[Any], ...]) -> dict[str, NDArray[Any]]:
    """The arrays of :meth:`Run.state` by their names in the file."""
    own = [f"state{k}" for k in range(len(state) - 3)]
    return dict(zip(["theta", *own, "random", "diverged"], state, strict=True))


def _member(archive: zipfile.ZipFile, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Read one array; its size is checked before anything is read, its shape and type before it is used."""
    size = int(np.prod(shape, dtype=object)) * dtype.itemsize
    if not size < archive.getinfo(f"{name}.npy").file_size <= size + _LONGEST_HEADER:
        raise ValueError(name)
    with archive.open(f"{name}.npy") as file:
        array = np.lib.format.read_array(file, allow_pickle=False)
    if array.shape != shape or array.dtype != dtype:
        raise ValueError(name)
    return np.asarray(array)
