"""Verbs for a notebook: an action called for a table of rows, without `await`."""
