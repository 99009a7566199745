"""An interactive page about a field: sliders for its numbers, zeros and minima moving apart, flow lines and runs."""

from adamsym.explorer.exploration import Explorer, explore
from adamsym.explorer.scene import Scene
from adamsym.explorer.verdicts import Verdict

__all__ = ["Explorer", "Scene", "Verdict", "explore"]
