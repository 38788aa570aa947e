"""Web: HTML without its furniture, and XML by its shape."""
