"""Tasks from files that the tests make themselves."""

import gzip
import struct

import numpy as np
import pytest

pytest.importorskip("torch")
from PIL import Image

from chipwise.adapt.tasks.files import cifar, image_folders, mnist
from chipwise.adapt.tasks.load import load_task
from chipwise.errors import InputError

RNG = np.random.default_rng(0)


def write_idx(path, values):
    data = bytes((0, 0, 8, values.ndim)) + struct.pack(f">{values.ndim}I", *values.shape) + values.tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


@pytest.fixture
def mnist_folder(tmp_path):
    for prefix, count, end in (("train", 20, ".gz"), ("t10k", 6, "")):
        images = RNG.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte{end}", images)
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte{end}", np.arange(count, dtype=np.uint8) % 10)
    return tmp_path


def test_mnist(mnist_folder):
    task = mnist(mnist_folder)
    assert [len(s) for s in (task.train, task.holdout, task.test)] == [18, 2, 6]
    assert task.example.shape == (1, 1, 28, 28)
    assert task.test.targets.tolist() == [0, 1, 2, 3, 4, 5]


def test_mnist_that_is_cut_off(mnist_folder):
    path = mnist_folder / "t10k-images-idx3-ubyte"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte: is no IDX file .* or is cut off"):
        mnist(mnist_folder)
    path.unlink()
    with pytest.raises(InputError, match=r"t10k-images-idx3-ubyte .* is missing"):
        mnist(mnist_folder)
    train = mnist_folder / "train-images-idx3-ubyte.gz"
    train.write_bytes(train.read_bytes()[:40])
    with pytest.raises(InputError, match="cannot be unpacked"):
        mnist(mnist_folder)


@pytest.mark.parametrize(
    ("files", "labels", "name"),
    [
        (["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"], 1, "cifar10"),
        (["train.bin", "test.bin"], 2, "cifar100"),
    ],
)
def test_cifar(tmp_path, files, labels, name):
    for file in files:
        records = RNG.integers(0, 10, (10, labels + 3072), dtype=np.uint8)
        records[:, labels - 1] = np.arange(10)
        (tmp_path / file).write_bytes(records.tobytes())
    task = cifar(tmp_path)
    assert task.name == name
    assert task.example.shape == (1, 3, 32, 32)
    assert task.test.targets.tolist() == list(range(10))
    assert len(task.train) + len(task.holdout) == 10 * (len(files) - 1)
    (tmp_path / files[0]).write_bytes(b"123")
    with pytest.raises(InputError, match="no whole records"):
        cifar(tmp_path)


def test_pickled_cifar_is_refused(tmp_path):
    (tmp_path / "data_batch_1").write_bytes(b"\x80\x02.")
    with pytest.raises(InputError, match=r"pickled, could run code .*cifar-10-binary"):
        cifar(tmp_path)


@pytest.fixture
def folders(tmp_path):
    for part, count in (("train", 5), ("val", 2)):
        for name in ("cat", "dog"):
            (tmp_path / part / name).mkdir(parents=True)
            for i in range(count):
                pixels = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(tmp_path / part / name / f"{i}.png")
    return tmp_path


def test_image_folders(folders):
    task = image_folders(folders, side=16)
    assert [len(s) for s in (task.train, task.holdout, task.test)] == [9, 1, 4]
    assert not set(task.train.files) & set(task.holdout.files)
    inputs, targets = task.test.batch(task.test.targets.argsort())
    assert inputs.shape == (4, 3, 16, 16)
    assert targets.tolist() == [0, 0, 1, 1]


def test_wrong_folders(folders, tmp_path):
    (folders / "val" / "cow").mkdir()
    with pytest.raises(InputError, match="class 'cow' is not in"):
        image_folders(folders)
    with pytest.raises(InputError, match="needs the folders train and val"):
        image_folders(folders / "train")
    for spec in ("images", "cifar", "mnist"):
        with pytest.raises(InputError, match="is no folder"):
            load_task(f"{spec}:{tmp_path / 'nowhere'}")
    with pytest.raises(InputError, match="needs data_batch_1"):
        load_task(f"cifar:{folders}")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("digit", "Did you mean 'digits'"),
        ("cifar", "must be cifar:FOLDER"),
        ("no_such_module:make", "ModuleNotFoundError"),
        ("builtins:dict", "gives dict"),
        ("os.path:../x", "must be digits"),
    ],
)
def test_bad_specs(spec, message):
    with pytest.raises(InputError, match=message):
        load_task(spec)


def test_own_task(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_task.py").write_text(
        "from chipwise.adapt.tasks.digits import digits\n"
        "def make(seed):\n    return digits(seed, train=20, holdout=10, test=10)\n"
    )
    assert len(load_task("own_task:make", seed=3).train) == 20
