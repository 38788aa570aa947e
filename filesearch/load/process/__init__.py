"""Process: loading in a child process that is limited and confined; isolation.py is its face."""
