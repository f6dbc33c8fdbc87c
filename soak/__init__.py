"""Kills the real process again and again under load, and counts what was lost and what came twice: ``make soak``."""
