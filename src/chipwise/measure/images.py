"""Inputs to measure with: a folder of images, or arrays in an .npz file."""

import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from chipwise.errors import InputError, MissingExtra, did_you_mean

Array = npt.NDArray[Any]

MAX_BYTES = 4 * 2**30
"""Of an .npz file, unpacked."""

MAX_IMAGES = 1_000_000
SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff")

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
NORMALIZATIONS: Mapping[str, str] = {
    "imagenet": "(x / 255 - mean) / deviation, of mean 0.485, 0.456, 0.406 and deviation 0.229, 0.224, 0.225",
    "unit": "x / 255",
    "signed": "x / 127.5 - 1",
    "none": "x from 0 to 255",
}
"""What is done with values from 0 to 255 of an image."""


@final
@dataclass(frozen=True, slots=True)
class Inputs:
    """Batches of inputs: `batches` reads them one by one, `count` says how many images there are."""

    count: int
    batch: int
    preprocessing: str
    read: Any
    """A function of the indices of the first and the last image, exclusive, that returns their array."""

    def batches(self) -> Iterator[Array]:
        """Arrays of up to `batch` images, finite numbers all."""
        for first in range(0, self.count, self.batch):
            values: Array = self.read(first, min(first + self.batch, self.count))
            if values.dtype.kind == "f" and not bool(np.isfinite(values).all()):
                raise InputError(
                    f"the data: an image between number {first + 1} and {first + len(values)} has values that are "
                    "not finite (NaN or infinity); mend or remove it"
                )
            yield values


def read_inputs(
    path: str | Path,
    *,
    name: str,
    shape: Sequence[int | None] | None,
    batch: int,
    limit: int | None = None,
    normalize: str = "imagenet",
) -> Inputs:
    """The inputs at `path` for a model's input.

    Args:
        path: a folder of images, or an .npz file with an array `input` or of the model's name for it.
        name: the model's input.
        shape: of one input, channels first, with None where the model takes any extent; None if it is not known.
        batch: images at once.
        limit: most images to take.
        normalize: a key of `NORMALIZATIONS`, for images.

    Raises:
        InputError: nothing there, another shape, objects instead of numbers.
        MissingExtra: images without Pillow.
    """
    place = Path(path)
    if normalize not in NORMALIZATIONS:
        raise InputError(f"--normalize {normalize!r} is not known." + did_you_mean(normalize, NORMALIZATIONS))
    if place.is_dir() and shape is None:
        raise InputError(
            f"--data {place}: to cut images to size, the model's input is needed; give --input 3x224x224"
        )
    if place.is_dir():
        assert shape is not None
        return _folder(place, shape, batch, limit, normalize)
    if place.suffix.lower() == ".npz" and place.exists():
        values = _array(place, name)
        _check_shape(place, values, shape)
        count = min(len(values), limit or len(values))
        return Inputs(count, batch, f"as stored in {place.name}", lambda first, last: values[first:last])
    what = "is no folder and no .npz file" if place.exists() else "is not there"
    raise InputError(f"--data {str(path)!r}: {what}; give a folder of images or an .npz file")


def _array(path: Path, name: str) -> Array:
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > MAX_BYTES:
            raise InputError(
                f"--data {path}: unpacks to {size:,} bytes, the limit is {MAX_BYTES:,}; split it"
            )
        with np.load(path, allow_pickle=False) as arrays:
            keys = list(arrays.files)
            key = next((k for k in ("input", name) if k in keys), keys[0] if len(keys) == 1 else None)
            if key is None:
                shown = ", ".join(keys[:8]) or "none"
                raise InputError(f"--data {path}: needs an array called 'input' or {name!r}; it has {shown}")
            values: Array = arrays[key]
    except (OSError, zipfile.BadZipFile, zlib.error, ValueError, EOFError, KeyError, MemoryError) as error:
        if "pickle" in str(error) or "Object arrays" in str(error):
            raise InputError(
                f"--data {path}: holds Python objects (pickled), which could run code and are not read; save plain "
                "numbers (np.savez of a float array)"
            ) from None
        raise InputError(
            f"--data {path}: cannot be read as .npz: {' '.join(str(error).split())[:200]}"
        ) from None
    if not isinstance(values, np.ndarray):  # a member of the archive that is no array
        raise InputError(f"--data {path}: {key!r} in it is no array; write the file with np.savez")
    if values.dtype.kind not in "fiub":
        raise InputError(f"--data {path}: array {key!r} is of type {values.dtype}; it must hold numbers")
    return values


def _check_shape(path: Path, values: Array, shape: Sequence[int | None] | None) -> None:
    if shape is None:
        shape = values.shape[1:]
    expected = "N x " + " x ".join("any" if e is None else str(e) for e in shape)
    fits = values.ndim == len(shape) + 1 and all(
        e is None or e == v for e, v in zip(shape, values.shape[1:], strict=True)
    )
    if not fits:
        shown = " x ".join(map(str, values.shape)) or "a single value"
        raise InputError(f"--data {path}: its array is {shown}, the model takes {expected}")
    if not len(values):
        raise InputError(f"--data {path}: its array has no images (0 along the first axis)")


def _folder(
    place: Path, shape: Sequence[int | None], batch: int, limit: int | None, normalize: str
) -> Inputs:
    if len(shape) != 3 or shape[0] not in (1, 3) or None in shape[1:]:
        shown = " x ".join("any" if e is None else str(e) for e in shape)
        raise InputError(
            f"--data {place}: images become 1 or 3 channels of fixed height and width, and the model takes {shown}; "
            "give an .npz file with the inputs instead, or --input 3x224x224 where the model leaves extents open"
        )
    files = sorted(p for p in place.iterdir() if p.suffix.lower() in SUFFIXES)[: limit or MAX_IMAGES]
    if not files:
        raise InputError(f"--data {place}: has no images ({', '.join(SUFFIXES)}); check the folder")
    try:
        import PIL  # noqa: F401, PLC0415 - an extra
    except ModuleNotFoundError as error:
        raise MissingExtra("images need Pillow: pip install 'chipwise[measure]'") from error
    channels, height, width = (int(e) for e in shape if e is not None)
    how = (
        f"{'RGB' if channels == 3 else 'grey'}, shorter side scaled (bilinear) and centre cut to "
        f"{height} x {width}; {NORMALIZATIONS[normalize]}"
    )

    def read(first: int, last: int) -> Array:
        return np.stack([read_image(p, channels, height, width, normalize) for p in files[first:last]])

    return Inputs(len(files), batch, how, read)


def read_image(path: Path, channels: int, height: int, width: int, normalize: str) -> Array:
    """One image file as channels x height x width, scaled to cover and cut about its centre."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - an extra

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                mode = "RGB" if channels == 3 else "L"
                fitted = ImageOps.fit(image.convert(mode), (width, height), Image.Resampling.BILINEAR)
    except (
        OSError,
        ValueError,
        SyntaxError,
        Image.DecompressionBombWarning,
        Image.DecompressionBombError,
    ) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"image {str(path)!r} cannot be read: {reason}; mend or remove it") from None
    values = np.asarray(fitted, dtype=np.float32).reshape(height, width, channels).transpose(2, 0, 1)
    return _normalized(values, normalize)


def _normalized(values: Array, how: str) -> Array:
    if how == "none":
        return values
    if how == "signed":
        return values / np.float32(127.5) - np.float32(1)
    scaled = values / np.float32(255)
    if how == "unit":
        return scaled
    # A grey image is normalised as its three equal channels would be on average.
    mean, deviation = (np.array(v, np.float32) for v in _IMAGENET)
    if len(values) == 1:
        mean, deviation = mean.mean(keepdims=True), deviation.mean(keepdims=True)
    return (scaled - mean[:, None, None]) / deviation[:, None, None]
