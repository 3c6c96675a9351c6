"""What the audit page draws: a tab a module."""
