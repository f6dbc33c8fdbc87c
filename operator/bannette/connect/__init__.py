"""The pages where people connect their accounts: a service of its own, reached by signed links."""

from bannette.connect.attendant import Attendant
from bannette.connect.beside import keys_beside
from bannette.connect.links import LIFETIME, make_link
from bannette.connect.serve import new_server, serve
from bannette.connect.settings import Settings, api_of, load_keys, settings_of
from bannette.web.sealing import Keys

__all__ = [
    "LIFETIME",
    "Attendant",
    "Keys",
    "Settings",
    "api_of",
    "keys_beside",
    "load_keys",
    "make_link",
    "new_server",
    "serve",
    "settings_of",
]
