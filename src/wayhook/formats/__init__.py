"""Other forms of the same values: our stored documents, and what other tools write and read."""
