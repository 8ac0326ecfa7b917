"""Adapters: what the ports are in the world. They never import each other."""
