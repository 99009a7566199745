"""Clusters of Dask distributed as executors."""

import asyncio
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from time import monotonic
from typing import Any

from adamsym.expressions.arguments import checked_arguments
from adamsym.expressions.errors import InputError
from adamsym.expressions.optional import library

_SECONDS_TO_CONNECT = 10.0

SECONDS_WITHOUT_WORKERS = 60.0
"""How long to wait for workers where all have gone: what replaces them takes some seconds."""


@checked_arguments
@contextmanager
def cluster(address: str, seconds: float = _SECONDS_TO_CONNECT) -> Iterator[Executor]:
    """Give an executor whose workers are those of a cluster of Dask distributed, until the ``with`` block ends.

    The workers run what is sent to them, and what they answer is unpickled: take only a cluster of your own.

    Parameters
    ----------
    address
        Of the cluster's scheduler, as ``dask scheduler`` prints it, such as ``"tcp://10.0.0.1:8786"``.
    seconds
        How long to wait for the scheduler.

    Raises
    ------
    InputError
        If ``distributed`` is not installed, there is no scheduler at the address, or it has no workers.
    """
    client = _connected(address, seconds)
    try:
        if not client.nthreads():
            raise InputError(f"{_named(address)} has no workers; start some: dask worker {address[:80]}")
        yield ClusterExecutor(client, address)
    finally:
        client.close()


def _connected(address: str, seconds: float) -> Any:
    distributed = library("distributed")
    try:
        # A client that finds no scheduler goes on trying while it is thrown away: first see whether there is one. In a
        # thread of its own, for a notebook has its event loop in this one.
        with ThreadPoolExecutor(1) as alone:
            alone.submit(asyncio.run, _connect_once(address, seconds)).result()
    except (OSError, ValueError, TypeError) as error:
        reason = (str(error) or type(error).__name__).splitlines()[0][:120]
        raise InputError(f"{_named(address)}: no scheduler answers there: {reason}") from None
    with warnings.catch_warnings():
        # Workers with other versions of what results depend on are refused; other differences do not matter.
        warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)
        return distributed.Client(address, timeout=seconds, set_as_default=False)


class ClusterExecutor(Executor):
    """A client's executor that notices when the cluster has no workers left: its own waits for new ones for ever."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address, self._inner = client, address, client.get_executor(pure=False)
        self._alone_since: float | None = None

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> "Future[Any]":
        """Have a function called by a worker."""
        found: Future[Any] = self._inner.submit(function, *arguments, **named)
        return found

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take nothing more; the cluster stays."""
        self._inner.shutdown(wait=wait and not cancel_futures)

    def check(self) -> None:
        """Raise InputError if there has been no worker for a while, between the calls of this."""
        if self._client.nthreads():
            self._alone_since = None
            return
        now = monotonic()
        self._alone_since = self._alone_since or now
        if now - self._alone_since > SECONDS_WITHOUT_WORKERS:
            raise InputError(
                f"{_named(self._address)} has had no workers for {SECONDS_WITHOUT_WORKERS:.0f} seconds; start some"
            )


async def _connect_once(address: str, seconds: float) -> None:
    comm = await library("distributed.comm").connect(address, timeout=seconds)
    await comm.close()


def _named(address: str) -> str:
    return f"cluster {address[:80]!r}"
