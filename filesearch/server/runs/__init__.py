"""Runs: an assistant answers a thread in the background; service.py is where to begin."""
