"""Responses: one turn of a model over stores and functions; service.py is where to begin."""
