"""Chat: completions, passed on to a server, or answered from here, from files and stores."""
