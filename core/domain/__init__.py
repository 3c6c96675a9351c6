"""The vocabulary: frozen values and pure rules, from the standard library and pydantic only."""
