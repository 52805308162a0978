"""Batches: every row once, in order, exact."""

import numpy as np
import pytest
import torch

from vaekit.data import Protocol, prepare
from vaekit.data.celeba import open_celeba
from vaekit.data.loaders import batches
from vaekit.errors import ConfigError
from vaekit.seeding import torch_generator


@pytest.fixture
def prepared(celeba, tmp_path):
    return prepare(open_celeba(celeba.root, 0), Protocol(178, 64), cache=tmp_path / "c")


@pytest.mark.parametrize("batch_size", [1, 5, 7, 12, 100])
def test_every_row_once_in_order_whatever_the_batch_size(prepared, batch_size):
    rows = prepared.rows("train")[::-1]
    got = list(batches(prepared, rows, batch_size))
    assert np.array_equal(np.concatenate([b.rows for b in got]), rows)
    assert [len(b.rows) for b in got[:-1]] == [batch_size] * (len(got) - 1)
    assert sum((b.image_ids for b in got), []) == prepared.index["image_id"].iloc[rows].tolist()  # noqa: RUF017
    x = torch.cat([b.x for b in got])
    expected = torch.from_numpy(prepared.images[rows]).permute(0, 3, 1, 2).float() / 255
    assert x.dtype == torch.float32 and x.is_contiguous() and torch.equal(x, expected)
    assert x.min() >= 0 and x.max() <= 1


def test_a_generator_permutes_and_is_the_only_chance(prepared):
    rows = prepared.rows("train")

    def order(seed):
        return [b.rows.tolist() for b in batches(prepared, rows, 5, generator=torch_generator(seed, "order"))]

    assert order(0) == order(0) != order(1)
    assert sorted(sum(order(0), [])) == rows.tolist()  # noqa: RUF017
    assert all(chunk == sorted(chunk) for chunk in order(0))
    generator = torch_generator(0, "order")
    epochs = [[b.rows.tolist() for b in batches(prepared, rows, 5, generator=generator)] for _ in range(2)]
    assert epochs[0] == order(0) and epochs[1] != epochs[0]
    for batch in batches(prepared, rows, 5, generator=generator):
        expected = torch.from_numpy(prepared.images[batch.rows]).permute(0, 3, 1, 2).float() / 255
        assert torch.equal(batch.x, expected)


def test_no_rows_no_batches_and_no_batch_size(prepared):
    assert list(batches(prepared, np.array([], np.int64), 4)) == []
    with pytest.raises(ConfigError, match="batch size 0 holds no image: give --batch-size 1 or more"):
        batches(prepared, prepared.rows("test"), 0)


def test_writing_into_a_batch_leaves_the_images_alone(prepared):
    before = prepared.images[0].copy()
    next(batches(prepared, np.array([0]), 1)).x.zero_()
    assert np.array_equal(prepared.images[0], before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_the_same_on_cuda(prepared):
    rows = prepared.rows("train")
    for here, there in zip(batches(prepared, rows, 5), batches(prepared, rows, 5, "cuda"), strict=True):
        assert there.x.device.type == "cuda" and torch.equal(here.x, there.x.cpu())
