"""Three laws of training on one set of curves."""
