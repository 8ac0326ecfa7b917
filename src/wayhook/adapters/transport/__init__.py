"""Clients that put requests on the wire: one file for each library."""
