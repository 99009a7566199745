"""One place for work in parallel: processes, threads, clusters, or any other ``concurrent.futures`` executor."""

from adamsym.parallel.clusters import cluster
from adamsym.parallel.mapping import Workers, map_tasks, open_workers
from adamsym.parallel.places import in_a_worker

__all__ = ["Workers", "cluster", "in_a_worker", "map_tasks", "open_workers"]
