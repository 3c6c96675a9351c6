"""Short ids for the address bar."""

import secrets


def new(prefix: str) -> str:
    """Make an id such as `run-3f9c01ab77`; forty random bits."""
    return f"{prefix}-{secrets.token_hex(5)}"
