"""Finders: what may be wrong with items, told by their files and looks; no torch."""
