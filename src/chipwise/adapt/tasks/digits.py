"""Cluttered digits: scikit-learn's bundled handwritten digits, moved and turned on a 32 x 32 image with clutter.

Plain 8 x 8 digits are too easy: 600 weights reach 97 %, and every method wins. These need a real network.
"""

from typing import Any

import numpy as np

from chipwise.adapt.extra import torch
from chipwise.adapt.task import Task, TensorSplit
from chipwise.errors import InputError, MissingExtra

SIDE = 32
CLUTTER = 6
FOLDS = 5


def digits(
    seed: int = 0, *, fold: int = 0, train: int = 12000, holdout: int = 2000, test: int = 4000
) -> Task:
    """The task; the same seed and sizes give the same images.

    The 1797 handwritten digits are split before they are rendered, so that no digit is in two splits: a fifth for
    test, by `fold`, and of the rest 250 for the hold-out. What is measured on 4000 renderings of 360 digits is
    therefore known to about one point only; five folds test all digits.

    Args:
        seed: of the renderings, the hold-out and the training.
        fold: which fifth of the digits is tested on, from 0 to 4.
        train: renderings to train on.
        holdout: renderings to choose by.
        test: renderings to judge by.

    Raises:
        MissingExtra: no scikit-learn. InputError: a fold outside 0 to 4, a size below 1.
    """
    if not 0 <= fold < FOLDS:
        raise InputError(f"task digits: fold = {fold} must be from 0 to {FOLDS - 1}")
    if min(train, holdout, test) < 1:
        raise InputError(f"task digits: sizes = {train}, {holdout}, {test} must be at least 1")
    images, labels = _sources()
    # The folds are the same for all seeds: they say which digits are tested, not how they look.
    shuffled = np.random.default_rng(0).permutation(len(labels))
    tested = shuffled[fold::FOLDS]
    rest = np.random.default_rng(seed + 1).permutation(np.setdiff1d(shuffled, tested))
    parts = {"holdout": (rest[:250], holdout), "train": (rest[250:], train), "test": (tested, test)}
    made = {
        name: _rendered(images[chosen], labels[chosen], count, np.random.default_rng([seed, fold, index]))
        for index, (name, (chosen, count)) in enumerate(parts.items())
    }
    return Task(
        "digits",
        made["train"],
        made["holdout"],
        made["test"],
        seed=seed,
        notes={"source digits tested": len(tested), "fold": fold},
    )


def _sources() -> tuple[Any, Any]:
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - half a second, and part of the extra
    except ModuleNotFoundError as error:  # pragma: no cover - the extra is installed where this is tested
        raise MissingExtra("the digits task needs scikit-learn: pip install 'chipwise[torch]'") from error
    bunch = load_digits()
    return bunch.images.astype(np.float32) / 16, bunch.target.astype(np.int64)


def _rendered(images: Any, labels: Any, count: int, rng: np.random.Generator) -> TensorSplit:
    """`count` renderings, each of a digit of the given ones, standardised by constants of the rendering."""
    chosen = rng.permutation(np.resize(np.arange(len(labels)), count))
    moved = _moved(torch.from_numpy(images[chosen])[:, None], rng)
    canvas = moved[:, 0].numpy() + _clutter(images, count, rng)
    canvas += rng.normal(0, 0.1, canvas.shape).astype(np.float32)
    inputs = torch.from_numpy(np.clip(canvas, 0, 1.2)[:, None] * 3 - 0.6)
    return TensorSplit(inputs, torch.from_numpy(labels[chosen]))


def _moved(digits: Any, rng: np.random.Generator) -> Any:
    """Each digit turned by up to 20 degrees, 12 to 22 pixels large, anywhere it still fits."""
    count = len(digits)
    angle = np.deg2rad(rng.uniform(-20, 20, count))
    size = rng.uniform(12, 22, count) / SIDE
    room = 1 - size
    at = rng.uniform(-1, 1, (count, 2)) * room[:, None]
    theta = np.zeros((count, 2, 3), np.float32)
    theta[:, 0, 0] = theta[:, 1, 1] = np.cos(angle) / size
    theta[:, 0, 1], theta[:, 1, 0] = -np.sin(angle) / size, np.sin(angle) / size
    theta[:, :, 2] = -np.einsum("nij,nj->ni", theta[:, :, :2], at)
    grid = torch.nn.functional.affine_grid(
        torch.from_numpy(theta), (count, 1, SIDE, SIDE), align_corners=False
    )
    return torch.nn.functional.grid_sample(digits, grid, align_corners=False)


def _clutter(images: Any, count: int, rng: np.random.Generator) -> Any:
    """Patches of 4 x 4 cut from digits, a few on each image."""
    canvas = np.zeros((count, SIDE, SIDE), np.float32)
    steps = np.arange(4)
    for _ in range(CLUTTER):
        source = rng.integers(0, len(images), count)
        cut = rng.integers(0, 5, (count, 2))
        put = rng.integers(0, SIDE - 3, (count, 2))
        rows, columns = cut[:, :1] + steps, cut[:, 1:] + steps
        patch = images[source[:, None, None], rows[:, :, None], columns[:, None, :]]
        rows, columns = put[:, :1] + steps, put[:, 1:] + steps
        where = (np.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :])
        canvas[where] = np.maximum(canvas[where], 0.8 * patch)
    return canvas
