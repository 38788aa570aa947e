"""Containers: files that hold files, checked before anything unfolds."""
