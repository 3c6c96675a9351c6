"""Folders of images: scan, catalog, edits, splits, subsets, thumbnails; no torch."""
