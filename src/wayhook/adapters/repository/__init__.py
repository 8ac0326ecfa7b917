"""Places that keep actions and journeys."""
