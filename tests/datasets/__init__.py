"""Facts about folders, catalogs, edits and splits."""
