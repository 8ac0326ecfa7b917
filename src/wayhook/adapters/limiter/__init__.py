"""Access tokens beyond the memory of one executor."""
