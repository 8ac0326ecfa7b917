"""Limits, and how destinations stand, shared by processes in a store of theirs."""
