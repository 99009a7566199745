"""Laws of one gradient coordinate, given by their transforms, and the field in them."""
