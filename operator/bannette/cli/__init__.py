"""The command ``bannette``."""
