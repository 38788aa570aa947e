"""Drivers: programs that each run as one contestant, in a process of its own.

Those of peers run inside the peer's environment and import nothing of filesearch. Each prints one
JSON object on its last line.
"""
