"""The console: pages where a company's people see their channels, run and create them, beside the consent pages."""

from bannette.console.app import routes
from bannette.console.settings import ConsoleSettings, console_settings_of

__all__ = ["ConsoleSettings", "console_settings_of", "routes"]
