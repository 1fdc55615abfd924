"""Papers: what is printed, from plain data. No Django here, no database."""
