"""Tasks from files on disk in the usual forms: folders of images, CIFAR's binary files, MNIST's IDX files.

Nothing is downloaded, and no file is read that could run code.
"""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from chipwise.adapt.extra import torch
from chipwise.adapt.task import Split, Task, TensorSplit
from chipwise.errors import InputError
from chipwise.measure.images import SUFFIXES, read_image

HOLDOUT = 0.1
"""Share of the training data that is held out."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ImageSplit(Split):
    """Image files, read when they are asked for."""

    files: tuple[Path, ...]
    targets: Any
    side: int

    def __len__(self) -> int:
        """Images."""
        return len(self.files)

    def batch(self, indices: Any) -> tuple[Any, Any]:
        """Those at `indices`, RGB, normalised with ImageNet's constants."""
        read = [read_image(self.files[i], 3, self.side, self.side, "imagenet") for i in indices.tolist()]
        return torch.from_numpy(np.stack(read)), self.targets[indices]


def image_folders(folder: str | Path, *, side: int = 224, seed: int = 0) -> Task:
    """ImageNet's form: `train/CLASS/*.jpg` and `val/CLASS/*.jpg` (or `test`), where `val` is what is judged by.

    Args:
        folder: holds both.
        side: images are scaled to cover side x side and cut about the centre.
        seed: of the hold-out, a tenth of `train`, and of the training.

    Raises:
        InputError: another form. MissingExtra: no Pillow, when the first image is read.
    """
    place = _folder(folder, "train/CLASS/*.jpg and val/CLASS/*.jpg")
    judged = next((place / name for name in ("val", "test") if (place / name).is_dir()), None)
    if not (place / "train").is_dir() or judged is None:
        raise InputError(
            f"data {place}: needs the folders train and val (or test), each with a folder per class"
        )
    classes = sorted(p.name for p in (place / "train").iterdir() if p.is_dir())
    if len(classes) < 2:
        raise InputError(
            f"data {place / 'train'}: needs a folder per class, at least two; has {len(classes)}"
        )
    odd = sorted({p.name for p in judged.iterdir() if p.is_dir()} - set(classes))
    if odd:
        raise InputError(f"data {judged}: class {odd[0]!r} is not in {place / 'train'}")
    files, labels = _images(place / "train", classes)
    trained, held = _cut(len(files), seed)
    tested, targets = _images(judged, classes)
    every = torch.tensor(labels)

    def part(indices: Any) -> ImageSplit:
        return ImageSplit(tuple(files[i] for i in indices), every[torch.from_numpy(indices)], side)

    test = ImageSplit(tuple(tested), torch.tensor(targets), side)
    return Task(place.name, part(trained), part(held), test, seed=seed, notes={"classes": len(classes)})


def _images(folder: Path, classes: list[str]) -> tuple[list[Path], list[int]]:
    files: list[Path] = []
    labels: list[int] = []
    for label, name in enumerate(classes):
        found = sorted(p for p in (folder / name).glob("*") if p.suffix.lower() in SUFFIXES)
        files += found
        labels += [label] * len(found)
    if not files:
        raise InputError(f"data {folder}: has no images ({', '.join(SUFFIXES)}) in its class folders")
    return files, labels


_CIFAR_MEAN = np.array((0.4914, 0.4822, 0.4465), np.float32).reshape(3, 1, 1)
_CIFAR_DEVIATION = np.array((0.247, 0.2435, 0.2616), np.float32).reshape(3, 1, 1)


def cifar(folder: str | Path, *, seed: int = 0) -> Task:
    """CIFAR-10 or CIFAR-100 from the *binary* version's files (`data_batch_1.bin` ..., or `train.bin`).

    Each record is one label (CIFAR-100: coarse, then fine) and 3 x 32 x 32 bytes.

    Args:
        folder: with the files.
        seed: of the hold-out, a tenth of the training images, and of the training.

    Raises:
        InputError: other files; of the Python version, which is pickled and could run code, it says so.
    """
    place = _folder(folder, "CIFAR's .bin files")
    if (place / "train.bin").is_file():
        name, train, test, labels = "cifar100", [place / "train.bin"], place / "test.bin", 2
    else:
        train = sorted(place.glob("data_batch_*.bin"))
        name, test, labels = "cifar10", place / "test_batch.bin", 1
    if not train or not test.is_file():
        if any((place / odd).is_file() for odd in ("data_batch_1", "train", "batches.meta")):
            raise InputError(
                f"data {place}: holds CIFAR's Python version, whose files are pickled, could run code and are not "
                "read; get the binary version (cifar-10-binary.tar.gz or cifar-100-binary.tar.gz)"
            )
        raise InputError(
            f"data {place}: needs data_batch_1.bin ... and test_batch.bin (CIFAR-10) or train.bin and test.bin "
            "(CIFAR-100), of the binary version"
        )
    parts = [_records(path, labels) for path in train]
    inputs, targets = (np.concatenate(values) for values in zip(*parts, strict=True))
    return _in_memory(name, (inputs, targets), _records(test, labels), seed)


def _records(path: Path, labels: int) -> tuple[Any, Any]:
    size = labels + 3 * 32 * 32
    data = np.frombuffer(path.read_bytes(), np.uint8)
    if not len(data) or len(data) % size:
        raise InputError(
            f"data {path}: has {len(data)} bytes, which are no whole records of {size}; get it again"
        )
    records = data.reshape(-1, size)
    pixels = records[:, labels:].reshape(-1, 3, 32, 32).astype(np.float32) / 255
    return (pixels - _CIFAR_MEAN) / _CIFAR_DEVIATION, records[:, labels - 1].astype(np.int64)


def mnist(folder: str | Path, *, seed: int = 0) -> Task:
    """MNIST, or any set in its form, from IDX files as published: `train-images-idx3-ubyte[.gz]` and so on.

    Args:
        folder: with the four files.
        seed: of the hold-out, a tenth of the training images, and of the training.

    Raises:
        InputError: a file is missing, or is no IDX file of bytes.
    """
    place = _folder(folder, "MNIST's four IDX files")
    parts = []
    for prefix in ("train", "t10k"):
        pixels = _idx(place, f"{prefix}-images-idx3-ubyte", 3)
        targets = _idx(place, f"{prefix}-labels-idx1-ubyte", 1)
        if len(pixels) != len(targets):
            raise InputError(f"data {place}: {prefix} has {len(pixels)} images and {len(targets)} labels")
        scaled = (pixels[:, None].astype(np.float32) / 255 - np.float32(0.1307)) / np.float32(0.3081)
        parts.append((scaled, targets.astype(np.int64)))
    return _in_memory("mnist", parts[0], parts[1], seed)


def _idx(folder: Path, name: str, rank: int) -> Any:
    """Form: 0, 0, 8 (bytes), the rank, its extents as big-endian 32-bit integers, the values."""
    path = next((p for p in (folder / name, folder / f"{name}.gz") if p.is_file()), None)
    if path is None:
        raise InputError(f"data {folder}: {name} (or {name}.gz) is missing")
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"data {path}: cannot be unpacked: {error}; get it again") from None
    extents = (
        tuple(int(e) for e in np.frombuffer(data[4 : 4 + 4 * rank], ">u4"))
        if len(data) >= 4 + 4 * rank
        else ()
    )
    expected = 4 + 4 * rank + int(np.prod(extents, dtype=object)) if extents else 0
    if data[:4] != bytes((0, 0, 8, rank)) or len(data) != expected:
        raise InputError(
            f"data {path}: is no IDX file of bytes in {rank} dimensions, or is cut off; get it again"
        )
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(extents)


def _folder(folder: str | Path, holds: str) -> Path:
    place = Path(folder).expanduser()
    if not place.is_dir():
        raise InputError(f"data {str(folder)!r}: is no folder; give one with {holds}")
    return place


def _cut(count: int, seed: int) -> tuple[Any, Any]:
    """Indices to train on, and those held out."""
    if count < 2:
        raise InputError(f"data: {count} training image is too few to hold any out; give at least two")
    order = np.random.default_rng(seed).permutation(count)
    held = max(1, round(HOLDOUT * count))
    return order[held:], order[:held]


def _in_memory(name: str, train: tuple[Any, Any], test: tuple[Any, Any], seed: int) -> Task:
    inputs, targets = (torch.from_numpy(values) for values in train)
    trained, held = _cut(len(targets), seed)
    return Task(
        name,
        TensorSplit(inputs[trained], targets[trained]),
        TensorSplit(inputs[held], targets[held]),
        TensorSplit(torch.from_numpy(test[0]), torch.from_numpy(test[1])),
        seed=seed,
    )
