"""Roster import: a workbook → cells by distinct value → checked as a whole → temporary tables → registry and baseline, as one transaction.

`records.workbooks` opens the file and takes the cells in, by the roster's columns (headers) and intake (its codes; a village by its words: places)
→ checking (what spans rows) → staging, applying and pairings (SQL, set-wise), or lane (a first roster, while it is read) → taking_back, tray.
`services` is the way in.
"""
