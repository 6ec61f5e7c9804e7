"""The algorithms of the papers, one module each."""
