"""Mail: messages and mailboxes, their attachments as parts."""
