"""From stored predictions to matrices, rankings and comparisons."""
