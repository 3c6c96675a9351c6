"""Programs that measure; nothing imports them but tests."""
