"""fangfanpin (防返贫): the county system for poverty-relapse monitoring."""
