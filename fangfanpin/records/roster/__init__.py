"""Roster import: a workbook → cells by distinct value → checked as a whole → temporary tables → registry and baseline, as one transaction.

reading (sniffs the file, guards it) and reader (the process that opens it) → columns (headers) → intake (each distinct value parsed once; a village
by its words: places) → checking (what spans rows) → staging, applying and pairings (SQL, set-wise) → taking_back, tray, marking (editing: inside the
file as it is). parts: how an xlsx is put together. `services` is the way in.
"""
