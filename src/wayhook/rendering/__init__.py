"""Action, activity and context to a Call: compiled once per activity, without I/O."""
