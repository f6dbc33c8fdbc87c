"""What people are told, and how it reaches them: mails, in their language. Knows resources only."""
