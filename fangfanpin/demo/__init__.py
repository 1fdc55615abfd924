"""A synthetic demo county: no real person, nothing taken from any register. Imports nothing of the rules."""
