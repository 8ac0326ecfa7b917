"""Services on this machine that answer as the public ones are documented to, refusals included."""
