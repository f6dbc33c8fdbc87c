"""Which store a binder's bucket and the Secret with its credentials come to."""

from __future__ import annotations

from collections.abc import Mapping

from bannette.binder import AzureLocation, GcsLocation, Location, S3Location
from bannette.errors import PersonNeeded
from bannette.resources import Addressing, AzureBlobStorage, Binder, Bucket, S3Storage


def bucket_location(binder: Binder, bucket: Bucket, secret: Mapping[str, str]) -> Location:
    """Return where *binder*'s bucket is, and as who it is opened.

    Args:
        secret: the members of its credentials Secret; none are needed if it names none.

    Raises:
        PersonNeeded: StoreCredentialsMissing: the Secret lacks what the kind of store needs.
    """
    given = {key: value.strip() for key, value in secret.items() if value.strip()} if bucket.credentials_secret else {}
    if bucket.credentials_secret and not any(keys <= given.keys() for keys in bucket.CREDENTIALS):
        wanted = ", or ".join(" and ".join(sorted(keys)) for keys in bucket.CREDENTIALS)
        raise PersonNeeded(
            f'Secret "{bucket.credentials_secret}" of namespace "{binder.namespace}" lacks {wanted}: add what is '
            f'missing; it holds the credentials of the storage of binder "{binder.name}".',
            reason="StoreCredentialsMissing",
        )
    if isinstance(bucket, S3Storage):
        return S3Location(
            bucket=bucket.bucket,
            prefix=bucket.prefix,
            endpoint=bucket.endpoint,
            region=bucket.region,
            virtual_hosted=bucket.addressing is Addressing.VIRTUAL_HOST,
            access_key_id=given.get("accessKeyId"),
            secret_access_key=given.get("secretAccessKey"),
            session_token=given.get("sessionToken"),
        )
    if isinstance(bucket, AzureBlobStorage):
        return AzureLocation(
            account=bucket.account,
            container=bucket.container,
            prefix=bucket.prefix,
            endpoint=bucket.endpoint,
            account_key=given.get("accountKey"),
            sas_token=given.get("sasToken"),
            tenant_id=given.get("tenantId"),
            client_id=given.get("clientId"),
            client_secret=given.get("clientSecret"),
        )
    return GcsLocation(bucket=bucket.bucket, prefix=bucket.prefix, service_account=given.get("serviceAccount"))
