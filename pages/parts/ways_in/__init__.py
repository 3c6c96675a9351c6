"""The ways in: forms that make a dataset of a folder, an archive, a list of URLs, and more."""
