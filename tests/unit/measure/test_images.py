"""What may be measured with: images of a folder, arrays of an .npz file; and what is refused."""

import sys
import zipfile

import numpy as np
import pytest

from chipwise.errors import InputError, MissingExtra
from chipwise.measure import images
from chipwise.measure.images import read_inputs

Image = pytest.importorskip("PIL.Image")


def read(path, shape=(3, 4, 4), **options):
    return read_inputs(path, name="image", shape=shape, **{"batch": 2, **options})


@pytest.fixture
def folder(tmp_path):
    for i, size in enumerate([(4, 4), (8, 4), (9, 30)]):
        Image.new("RGB", size, (255, 0, 51 * i)).save(tmp_path / f"{i}.png")
    (tmp_path / "notes.txt").write_text("no image", encoding="utf-8")
    return tmp_path


def test_a_folder_is_read_in_order_and_cut_to_the_input(folder):
    inputs = read(folder, normalize="unit")
    assert (inputs.count, [len(b) for b in inputs.batches()]) == (3, [2, 1])
    values = np.concatenate(list(inputs.batches()))
    assert (values.shape, values.dtype) == ((3, 3, 4, 4), np.float32)
    assert np.allclose(values[:, :, 0, 0], [[1, 0, 0], [1, 0, 0.2], [1, 0, 0.4]])
    assert "centre cut to 4 x 4; x / 255" in inputs.preprocessing


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("none", (255, 0, 0)),
        ("signed", (1, -1, -1)),
        ("imagenet", (0.515 / 0.229, -0.456 / 0.224, -0.406 / 0.225)),
    ],
)
def test_normalisations(folder, how, expected):
    (first, *_) = read(folder, normalize=how, limit=1).batches()
    assert first.shape == (1, 3, 4, 4)
    assert first[0, :, 0, 0] == pytest.approx(expected)


def test_a_grey_input(folder):
    (batch, *_) = read(folder, shape=(1, 4, 4), normalize="none").batches()
    assert batch.shape == (2, 1, 4, 4)
    assert batch[0, 0, 0, 0] == 76  # 0.299 of 255


def test_arrays_by_either_name_or_alone(tmp_path):
    values = np.arange(96, dtype=np.float64).reshape(2, 3, 4, 4)
    for key in ("input", "image", "whatever"):
        np.savez(tmp_path / "x.npz", **{key: values})
        assert np.array_equal(np.concatenate(list(read(tmp_path / "x.npz").batches())), values)
    np.savez_compressed(tmp_path / "x.npz", image=values, label=np.zeros(2))
    assert read(tmp_path / "x.npz", limit=1).count == 1
    assert read(tmp_path / "x.npz", shape=(None, None, 4)).count == 2


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        (
            {"a": np.zeros((1, 3, 4, 4)), "b": np.zeros(1)},
            "needs an array called 'input' or 'image'; it has a, b",
        ),
        ({"input": np.zeros((1, 4, 4, 3))}, "its array is 1 x 4 x 4 x 3, the model takes N x 3 x 4 x 4"),
        ({"input": np.zeros((3, 4, 4))}, "its array is 3 x 4 x 4, the model takes"),
        ({"input": np.zeros((0, 3, 4, 4))}, "has no images"),
        ({"input": np.array(5.0)}, "a single value"),
        ({"input": np.array(["text"])}, "must hold numbers"),
        ({"input": np.array([{}])}, r"holds Python objects \(pickled\)"),
    ],
)
def test_arrays_that_do_not_fit(tmp_path, arrays, said):
    np.savez(tmp_path / "x.npz", allow_pickle=True, **arrays)
    with pytest.raises(InputError, match=said):
        read(tmp_path / "x.npz")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite(tmp_path, bad):
    values = np.zeros((3, 3, 4, 4), np.float32)
    values[2, 0, 0, 0] = bad
    np.savez(tmp_path / "x.npz", input=values)
    batches = read(tmp_path / "x.npz").batches()
    next(batches)
    with pytest.raises(InputError, match="between number 3 and 3 has values that are not finite"):
        next(batches)


def test_files_that_are_no_data(tmp_path, folder, monkeypatch):
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 and no more")
    with zipfile.ZipFile(tmp_path / "other.npz", "w") as archive:
        archive.writestr("input.npy", "not an array")
    (tmp_path / "empty").mkdir()
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "a.png").write_bytes((folder / "0.png").read_bytes()[:40])
    for name, said in [
        ("broken.npz", "cannot be read as .npz"),
        ("other.npz", "is no array|cannot be read as .npz|Python objects"),
        ("none.npz", "is not there"),
        ("notes.txt", "is no folder and no .npz file"),
        ("empty", "has no images"),
    ]:
        with pytest.raises(InputError, match=said):
            read(tmp_path / name)
    with pytest.raises(InputError, match=r"a\.png' cannot be read"):
        next(read(tmp_path / "torn").batches())
    with pytest.raises(InputError, match=r"give an \.npz file with the inputs instead"):
        read(folder, shape=(4, 4, 4))
    with pytest.raises(InputError, match="Did you mean 'imagenet'"):
        read(folder, normalize="imagent")
    monkeypatch.setattr(images, "MAX_BYTES", 10)
    np.savez(tmp_path / "x.npz", input=np.zeros((1, 3, 4, 4)))
    with pytest.raises(InputError, match="the limit is 10"):
        read(tmp_path / "x.npz")


def test_an_image_that_would_unpack_to_too_much(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(InputError, match="cannot be read"):
        next(read(folder).batches())


def test_images_without_pillow_give_the_install_line(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtra, match=r"pip install 'chipwise\[measure\]'"):
        read(folder)


def test_damaged_bytes_and_headers_that_promise_too_much(tmp_path):
    np.savez_compressed(tmp_path / "x.npz", input=np.random.default_rng(0).standard_normal((2, 3, 4, 4)))
    content = bytearray((tmp_path / "x.npz").read_bytes())
    content[200:260] = bytes(60)
    (tmp_path / "x.npz").write_bytes(content)
    header = (
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000000, 3, 4, 4), }".ljust(117) + b"\n"
    )
    with zipfile.ZipFile(tmp_path / "y.npz", "w") as archive:
        archive.writestr("input.npy", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    for name in ("x.npz", "y.npz"):
        with pytest.raises(InputError, match=r"cannot be read as \.npz"):
            read(tmp_path / name)
