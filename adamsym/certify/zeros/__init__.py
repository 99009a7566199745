"""Proofs about zeros of a field: all in a box, one about a point, clusters, stability."""
