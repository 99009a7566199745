"""Maps over two parameters: how many zeros there are, and where that changes."""

from adamsym.continuation.maps.changes import MapChange
from adamsym.continuation.maps.lyapunov import map_lyapunov
from adamsym.continuation.maps.lyapunov_map import LyapunovMap
from adamsym.continuation.maps.mapping import map_zeros
from adamsym.continuation.maps.nodes import NodeZero
from adamsym.continuation.maps.zero_map import MapNode, ZeroMap

__all__ = ["LyapunovMap", "MapChange", "MapNode", "NodeZero", "ZeroMap", "map_lyapunov", "map_zeros"]
