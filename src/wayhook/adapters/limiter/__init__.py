"""Rates and how they are held."""
