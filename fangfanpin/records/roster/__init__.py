"""Roster import: a workbook → cells by distinct value → checked as a whole → temporary tables → registry and baseline, as one transaction.

reading (sniffs the file, guards it) and reader (the process that opens it) → columns (headers) → intake (each distinct value parsed once) →
checking (what spans rows) → staging and applying (SQL, set-wise) → taking_back, tray, marking. `services` is the way in.
"""
