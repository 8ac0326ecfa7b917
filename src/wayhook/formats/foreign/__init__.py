"""Other people's formats: what they hold becomes actions, and what an action cannot hold is listed."""
