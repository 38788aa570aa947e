"""Guard: what every request passes through before any route sees it; guard.py puts it together."""
