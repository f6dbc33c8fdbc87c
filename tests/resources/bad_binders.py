"""Binders that must be refused."""

from __future__ import annotations

from tests.resources.bad import A_LINE, A_REFERENCE, Bad, misshapen, missing, wrong, wrong_as_a_whole
from tests.resources.samples import BINDER

AN_EVENTS_URL = (
    'write an address such as "https://erp.acme.example/documents", without a user, a password or a "#"; "http://" is '
    'for services of the same cluster ("http://erp.acme.svc:8080/documents") and for this machine'
)
A_KEPT_TOKEN = 'a token could be read on its way: write an address that begins with "https://", or leave out the secret'
A_STORAGE = 'write exactly one of "persistentVolumeClaim", "s3", "azureBlob" and "gcs"'
A_CLAIM = "write the metadata.name of a PersistentVolumeClaim in this namespace"
A_RELATIVE_PATH = 'write a relative path such as "purchases/2026": no "/" at its ends and no ".."'
A_BUCKET = 'write the bucket\'s name alone, for example "acme-purchases": no "s3://" or "gs://", no "/"'
AN_ENDPOINT = (
    'write the address of the service alone, for example "https://s3.example.com": the bucket has its own field'
)
AN_AZURE_ENDPOINT = (
    'write the address of the service alone, for example "https://acmepurchases.blob.core.chinacloudapi.cn": the '
    "container has its own field"
)
AN_AZURE_ACCOUNT = 'write the storage account\'s name alone, for example "acmepurchases": no ".blob.core.windows.net"'
A_CONTAINER = "write the container's name: 3 to 63 lower-case letters, digits and single hyphens"

STORAGE = "spec.storage"
EVENTS = "spec.events"
CLAIM = "spec.storage.persistentVolumeClaim"

BAD_BINDERS = [
    missing(BINDER, "no company", "spec.company"),
    wrong(BINDER, "blank company", "spec.company", " ", A_LINE),
    wrong(BINDER, "company in two lines", "spec.company", "Acme\nSARL", A_LINE),
    misshapen(
        BINDER,
        "unknown treatment of duplicates",
        "spec.onDuplicate",
        "Ignore",
        'Unsupported value: "Ignore": supported values: "Skip", "Deliver"',
        "must be one of Skip, Deliver",
    ),
    missing(BINDER, "no storage", STORAGE),
    wrong_as_a_whole(BINDER, "empty storage", STORAGE, {STORAGE: {}}, A_STORAGE),
    wrong_as_a_whole(BINDER, "two storages", STORAGE, {f"{STORAGE}.gcs": {"bucket": "acme"}}, A_STORAGE),
    wrong(BINDER, "claim as a path", f"{CLAIM}.claimName", "/mnt/purchases", A_CLAIM),
    missing(BINDER, "no claim", f"{CLAIM}.claimName"),
    wrong(BINDER, "absolute folder of the volume", f"{CLAIM}.subPath", "/purchases", A_RELATIVE_PATH),
    wrong(BINDER, "folder outside the volume", f"{CLAIM}.subPath", "../purchases", A_RELATIVE_PATH),
    *(
        wrong(BINDER, name, f"{EVENTS}.url", url, AN_EVENTS_URL, within=EVENTS)
        for name, url in {
            "sink without scheme": "erp.acme.example",
            "sink on an open way": "http://erp.acme.example/",
            "sink that looks like a service": "http://erp.svc.acme.example/",
            "sink that begins like this machine": "http://127.0.0.1.acme.example/",
            "sink with a password": "https://user:secret@erp.acme.example/",
            "sink with a fragment": "https://erp.acme.example/#documents",
            "sink with a blank": "https://erp.acme.example/a b",
            "sink in other letters": "https://erp.acme.example/é",
        }.items()
    ),
    wrong_as_a_whole(
        BINDER,
        "token on an open way",
        EVENTS,
        {EVENTS: {"url": "http://erp.acme.svc/", "secret": {"name": "erp"}}},
        A_KEPT_TOKEN,
    ),
    Bad("sink without address", BINDER, {EVENTS: {}}, f"{EVENTS}.url", "Required value", "is missing"),
    wrong(BINDER, "bucket as a link", f"{STORAGE}.s3.bucket", "s3://acme", A_BUCKET, within=STORAGE),
    Bad(
        "prefix with a slash at its end",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "prefix": "purchases/"}}},
        f"{STORAGE}.s3.prefix",
        f'Invalid value: "purchases/": {A_RELATIVE_PATH}',
        A_RELATIVE_PATH,
    ),
    Bad(
        "endpoint without https",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "endpoint": "s3.example.com"}}},
        f"{STORAGE}.s3.endpoint",
        f'Invalid value: "s3.example.com": {AN_ENDPOINT}',
        AN_ENDPOINT,
    ),
    Bad(
        "addressing that isn't known",
        BINDER,
        {STORAGE: {"s3": {"bucket": "acme", "addressing": "path"}}},
        f"{STORAGE}.s3.addressing",
        'Unsupported value: "path": supported values: "Path", "VirtualHost"',
        "must be one of Path, VirtualHost",
    ),
    Bad(
        "container in the endpoint",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme", "container": "purchases", "endpoint": "https://a.example/a/b"}}},
        f"{STORAGE}.azureBlob.endpoint",
        f'Invalid value: "https://a.example/a/b": {AN_AZURE_ENDPOINT}',
        AN_AZURE_ENDPOINT,
    ),
    Bad(
        "storage account as a host",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme.blob.core.windows.net", "container": "purchases"}}},
        f"{STORAGE}.azureBlob.account",
        f'Invalid value: "acme.blob.core.windows.net": {AN_AZURE_ACCOUNT}',
        AN_AZURE_ACCOUNT,
    ),
    Bad(
        "container with capitals",
        BINDER,
        {STORAGE: {"azureBlob": {"account": "acme", "container": "Purchases"}}},
        f"{STORAGE}.azureBlob.container",
        f'Invalid value: "Purchases": {A_CONTAINER}',
        A_CONTAINER,
    ),
    Bad(
        "key file in place of a secret",
        BINDER,
        {STORAGE: {"gcs": {"bucket": "acme", "credentialsSecret": {"name": "/etc/key.json"}}}},
        f"{STORAGE}.gcs.credentialsSecret.name",
        f'Invalid value: "/etc/key.json": {A_REFERENCE}',
        A_REFERENCE,
    ),
]
