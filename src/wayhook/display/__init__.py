"""How values look in a notebook and a terminal."""
