"""From a definition and its values to an outcome."""
