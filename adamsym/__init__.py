"""adamsym."""
