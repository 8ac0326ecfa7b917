"""The expression language: text to a checked, compiled function of a context. No I/O."""
