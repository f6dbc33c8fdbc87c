"""What all pages share: how they look, what guards them, and what of theirs only they can have made."""
