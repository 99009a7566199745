"""An explicit bound on the distance between Adam and the flow of its field (docs/pseudo_trajectory.md)."""
