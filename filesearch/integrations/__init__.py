"""Integrations: retrievers of other frameworks over a FileSearch, each with an extra of its own."""
