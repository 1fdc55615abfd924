"""Folders of many counties' snapshots: their form, and the sweep over them with either engine. No Django and no database here."""
