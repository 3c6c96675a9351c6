"""Tests of the finders that need no torch."""
