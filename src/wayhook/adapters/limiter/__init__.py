"""Limits that processes share, in a store of theirs."""
