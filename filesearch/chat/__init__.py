"""Chat: adapters of protocols.ChatModel."""
