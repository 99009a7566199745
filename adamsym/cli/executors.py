"""Where commands have their work done: in processes of this machine, or in a cluster."""

from collections.abc import Iterator
from concurrent.futures import Executor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Annotated

import typer

from adamsym.expressions.errors import InputError

Workers = Annotated[int | None, typer.Option("--workers", help="Processes.", min=1, show_default="processors")]
Cluster = Annotated[
    str | None,
    typer.Option("--cluster", help="In place of --workers: a Dask scheduler, tcp://HOST:PORT.", show_default=False),
]


@contextmanager
def executor_of(workers: int | None, cluster: str | None, kept: str = "") -> Iterator[Executor | int | None]:
    """Give the number of processes, or the cluster's executor; ``kept`` says what is not lost if work cannot go on."""
    try:
        if cluster is None:
            yield workers
            return
        if workers is not None:
            raise InputError("--workers, --cluster: give one of them")
        from adamsym.parallel import cluster as connected

        with connected(cluster) as executor:
            yield executor
    except BrokenProcessPool as error:
        raise InputError(f"{'--workers' if cluster is None else '--cluster'}: {error}{kept}") from None
