"""An engine without torch, started like the real one: for tests of queue and processes."""
