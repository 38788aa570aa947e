"""Chat models: what stands behind protocols.ChatModel."""
