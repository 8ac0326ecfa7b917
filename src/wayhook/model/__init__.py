"""The domain as values: frozen, typed, without I/O."""
