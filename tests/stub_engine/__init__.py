"""An engine without torch, started the same way as the real one: for tests of queue and processes."""
