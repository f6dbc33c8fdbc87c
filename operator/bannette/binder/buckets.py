"""How each kind of object store is addressed, signed for, and given up on."""

from __future__ import annotations

import json
import os
import ssl
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store

from bannette.binder.locations import AzureLocation, GcsLocation, S3Location
from bannette.binder.object_store import ObjectStore
from bannette.errors import PersonNeeded

if TYPE_CHECKING:
    from obstore.store import AzureConfig, ClientConfig, RetryConfig, S3Config, S3Credential

TIMEOUT_VARIABLE = "BANNETTE_STORE_TIMEOUT"
# From sending a request to its answer, and between two pieces of the answer. A request carries at most LARGE bytes.
_TIMEOUT_SECONDS = 120.0
_CONNECT_SECONDS = 10.0
_RETRIES = 4


def open_bucket(location: S3Location | AzureLocation | GcsLocation) -> ObjectStore:
    """Open the bucket or container that *location* describes; it isn't asked for anything yet.

    Raises: PersonNeeded: StoreMisconfigured: it can't be addressed so.
    """
    try:
        match location:
            case S3Location():
                return ObjectStore(_s3(location))
            case AzureLocation():
                return ObjectStore(_azure(location))
            case GcsLocation():
                return ObjectStore(_gcs(location))
    except (BaseError, ValueError) as error:
        # Its text may hold what a Secret holds.
        raise PersonNeeded(
            "The binder's store can't be used as it is described: check endpoint, region, and the values of its "
            f"credentials Secret ({type(error).__name__}).",
            reason="StoreMisconfigured",
        ) from None


def _s3(location: S3Location) -> S3Store:
    config: S3Config = {
        "conditional_put": "etag",
        # Each object is deleted by a request of its own: not every service has the other one.
        "disable_bulk_delete": True,
        "copy_if_not_exists": "multipart",
        # Amazon's own certificate is for names without a dot.
        "virtual_hosted_style_request": location.virtual_hosted
        or (location.endpoint is None and "." not in location.bucket),
    }
    if location.region is not None:
        config["region"] = location.region
    if location.endpoint is not None:
        endpoint = location.endpoint.rstrip("/")
        if location.virtual_hosted:
            scheme, _, host = endpoint.partition("://")
            endpoint = f"{scheme}://{location.bucket}.{host}"
        config["endpoint"] = endpoint
    return S3Store(
        location.bucket,
        prefix=location.prefix,
        config=config,
        client_options=_client(location.endpoint),
        retry_config=_retries(),
        credential_provider=_s3_credentials(location),
    )


def _s3_credentials(location: S3Location) -> Callable[[], S3Credential] | None:
    """Return what gives the own keys: as settings, they would be mixed with a token of the environment."""
    if location.access_key_id is None or location.secret_access_key is None:
        return None
    credential: S3Credential = {
        "access_key_id": location.access_key_id,
        "secret_access_key": location.secret_access_key,
        "token": location.session_token,
        "expires_at": None,
    }
    return lambda: credential


def _azure(location: AzureLocation) -> AzureStore:
    config: AzureConfig = {"account_name": location.account}
    if location.endpoint is not None:
        config["endpoint"] = location.endpoint.rstrip("/")
    if location.account_key is not None:
        config["account_key"] = location.account_key
        config["credential_type"] = "access_key"
    elif location.sas_token is not None:
        config["sas_key"] = location.sas_token.lstrip("?")
        config["credential_type"] = "sas_token"
    elif location.tenant_id and location.client_id and location.client_secret:
        config["tenant_id"] = location.tenant_id
        config["client_id"] = location.client_id
        config["client_secret"] = location.client_secret
        config["credential_type"] = "client_secret"
    return AzureStore(
        location.container,
        prefix=location.prefix,
        config=config,
        client_options=_client(location.endpoint),
        retry_config=_retries(),
    )


def _gcs(location: GcsLocation) -> GCSStore:
    key = location.service_account
    return GCSStore(
        location.bucket,
        prefix=location.prefix,
        config={} if key is None else {"service_account_key": key},
        client_options=_client(None if key is None else _gcs_endpoint(key)),
        retry_config=_retries(),
    )


def _gcs_endpoint(key: str) -> str | None:
    """The address that a key names when it isn't Google's own service that it is for."""
    try:
        members = json.loads(key)
    except ValueError:
        return None
    endpoint = members.get("gcs_base_url") if isinstance(members, dict) else None
    return endpoint if isinstance(endpoint, str) else None


def _client(endpoint: str | None) -> ClientConfig:
    options: ClientConfig = {
        "allow_http": endpoint is not None and endpoint.startswith("http://"),
        "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
        "read_timeout": timedelta(seconds=_timeout()),
        # A large object takes as long as it takes; what stands still is ended by the limit above.
        "timeout": timedelta(hours=6),
        "user_agent": "bannette",
    }
    if authorities := _authorities():
        options["root_certificate"] = authorities
    return options


def _retries() -> RetryConfig:
    return {
        "max_retries": _RETRIES,
        "retry_timeout": timedelta(seconds=_timeout()),
        "backoff": {"init_backoff": timedelta(seconds=0.2), "max_backoff": timedelta(seconds=5), "base": 2},
    }


def _timeout() -> float:
    """Seconds after which a request that stands still is given up."""
    text = os.environ.get(TIMEOUT_VARIABLE)
    if text is None:
        return _TIMEOUT_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 86400:
        raise PersonNeeded(
            f"{TIMEOUT_VARIABLE} must be a number of seconds above 0, for example 120.", reason="StoreMisconfigured"
        )
    return seconds


def _authorities() -> bytes | None:
    """The certificates of the bundle that the environment names, as Python's own clients honour it.

    Raises: PersonNeeded: CaBundleUnreadable.
    """
    for variable in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        bundle = os.environ.get(variable)
        if not bundle:
            continue
        try:
            ssl.create_default_context(cafile=bundle)
            return Path(bundle).read_bytes()
        except (OSError, ssl.SSLError) as error:
            raise PersonNeeded(
                f"The CA bundle that {variable} names can't be read: it must be a file of PEM certificates.",
                reason="CaBundleUnreadable",
            ) from error
    return None
