"""A register as a workbook and back: template, and import of what was filled in or exported.

`records.workbooks` opens the file and takes the cells in, by the register's columns → finding (subjects and references, set-wise) → checking (what is
new, changed, there already; every fault; what the pack demands by logic; found onto sheets) → applying (COPY, INSERT … SELECT, list rows and links) →
taking_back. `services` is the way in.
"""
