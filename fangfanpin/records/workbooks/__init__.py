"""What every import of a workbook shares, whatever its rows become: reading (sniffs the file, guards it) and reader (the process that opens it;
parts: how an xlsx is put together), headers (which row and column says what), cells (each distinct value parsed once), marking (the file back with
its faults; editing: inside the file as it is), copying (rows to the database), batches (a file's course), undoing (an import's own changes back).
The roster and the registers build on it.
"""
