"""Buckets of real services, one prefix for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bannette.binder import Location, S3Location
from tests.stores.faulty_proxy import FaultyProxy
from tests.stores.services import azure_location, azure_service, s3_gateway, s3_location


@pytest.fixture(scope="session")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an S3 service."""
    with s3_gateway(tmp_path_factory.mktemp("s3")) as address:
        yield address


@pytest.fixture(scope="session")
def azure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of an account of Azure Blob Storage."""
    with azure_service(tmp_path_factory.mktemp("azure")) as address:
        yield address


@pytest.fixture
def proxy(gateway: str) -> Iterator[FaultyProxy]:
    """A proxy before the S3 service, without faults at first."""
    with FaultyProxy(gateway) as running:
        yield running


@pytest.fixture(params=["s3", "azure"])
def bucket(request: pytest.FixtureRequest) -> Location:
    """An empty place in each kind of store."""
    if request.param == "s3":
        return s3_location(request.getfixturevalue("gateway"))
    return azure_location(request.getfixturevalue("azure"))


@pytest.fixture
def place(gateway: str) -> Callable[..., S3Location]:
    """Makes an empty place of the S3 service, addressed as told."""
    return lambda address=gateway, **changes: s3_location(address, **changes)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder
