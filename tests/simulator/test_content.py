from __future__ import annotations

import base64
import random

import pytest

from simulator import quickxor
from simulator.content import CHUNK, Generated, InMemory, OnDisk, chunks

VECTORS = [
    (b"", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    (base64.b64decode("Sg=="), "SgAAAAAAAAAAAAAAAQAAAAAAAAA="),
    (base64.b64decode("2fuxhBJXtpWFe8dOfdGeHw=="), "O9tHLAghgSvYohKFyMMxnNCHaHg="),
    (b"hello world", "aCgDG9jwBhDc4Q1yawMZAAAAAAA="),
    (bytes(range(256)) * 4096, "QkGEfSisZcA7k+FCh7x72dbCayY="),
]


def by_the_definition(data: bytes) -> bytes:
    register = 0
    for index, value in enumerate(data):
        for bit in range(8):
            register ^= (value >> bit & 1) << ((11 * index + bit) % 160)
    return (register ^ (len(data) << 96)).to_bytes(20, "little")


@pytest.mark.parametrize(("data", "expected"), VECTORS)
def test_quick_xor_gives_the_published_values(data: bytes, expected: str) -> None:
    assert quickxor.encode(InMemory(data).quick_xor()) == expected


@pytest.mark.parametrize("size", [1, 159, 160, 161, 319, 320, 321, 479, 481, 2048])
def test_quick_xor_of_every_length_follows_the_definition(size: int) -> None:
    data = random.Random(size).randbytes(size)
    assert InMemory(data).quick_xor() == by_the_definition(data)


@pytest.mark.parametrize("size", [0, 5, 160, 161, 320, 20_000, 655_840, 656_000, 656_001, 1_400_000])
@pytest.mark.parametrize("seed", [0, 1, 4098, 99_999])
def test_generated_bytes_have_the_hash_that_they_say(seed: int, size: int) -> None:
    content = Generated(seed, size)
    data = content.read(0, size)
    assert len(data) == size
    assert content.quick_xor() == InMemory(data).quick_xor()


def test_generated_bytes_are_the_same_from_wherever_they_are_read() -> None:
    content = Generated(7, 700_000)
    whole = content.read(0, 700_000)
    for start, stop in [(0, 10), (100, 200), (159, 161), (160, 400_000), (655_000, 700_000)]:
        assert content.read(start, stop) == whole[start:stop]
    assert b"".join(chunks(content, 0, 700_000)) == whole


def test_two_seeds_give_different_bytes() -> None:
    assert len({Generated(seed, 300).read(0, 300) for seed in range(5000)}) == 5000


def test_a_file_on_disk_has_the_hash_of_its_bytes(tmp_path) -> None:
    data = random.Random(1).randbytes(2 * CHUNK + 77)
    (tmp_path / "a").write_bytes(data)
    content = OnDisk(tmp_path / "a")
    assert content.size == len(data)
    assert content.read(CHUNK - 3, CHUNK + 3) == data[CHUNK - 3 : CHUNK + 3]
    assert content.quick_xor() == InMemory(data).quick_xor()
