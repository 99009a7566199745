"""The field of minibatches that are drawn in epochs: in the order of the rows, or reshuffled."""
