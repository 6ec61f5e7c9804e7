"""The machinery that builds the book; no notebook imports it."""
