"""Benchmarks: what scripts/bench.py is made of.

environments (peers, installed) -> a subcommand's contestants -> measuring (turns, medians, ratios)
-> report (tables, JSON, charts). One module per subcommand; `drivers/` holds the programs that run
inside the peers' environments and import nothing of filesearch.

Modules are imported by the process that starts every contestant, and a child begins with the
resident size of its parent: so numpy and what is larger are imported where they are used.
"""
