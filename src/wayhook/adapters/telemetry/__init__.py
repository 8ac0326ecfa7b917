"""Sinks for the events of an executor."""
