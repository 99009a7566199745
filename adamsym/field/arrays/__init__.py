"""F of listed laws, and of laws given by their transforms, in NumPy alone: nothing to compile."""
