"""The accounts of channels in a cluster: where a person's sign-in is kept, and under which application they sign in."""

from bannette.accounts.clients import application_of, client_of, credentials_in
from bannette.accounts.connection_secret import (
    ConnectionSecret,
    connection_in,
    connection_manifest,
    with_connection,
    without_connection,
)
from bannette.accounts.sign_ins import sign_in

__all__ = [
    "ConnectionSecret",
    "application_of",
    "client_of",
    "connection_in",
    "connection_manifest",
    "credentials_in",
    "sign_in",
    "with_connection",
    "without_connection",
]
