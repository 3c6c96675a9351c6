"""Edits applied to disk, and taken back."""
