"""Ball arithmetic: proven enclosures of the field and of its Jacobian (theory T5)."""
