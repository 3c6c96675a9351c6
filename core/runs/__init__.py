"""Recipes, runs, tasks, their queue and processes."""
