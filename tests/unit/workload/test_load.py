from pathlib import Path

import pytest

from chipwise.errors import InputError
from chipwise.workload import registry
from chipwise.workload.load import load_network

TINY = "name: tiny\nlayers: [{name: fc1, fc: {M: 10, C: 4}}]\n"


@pytest.mark.parametrize("name", ["alexnet", "AlexNet", "resnet-50", "vgg_16", Path("vgg16")])
def test_a_name_from_the_zoo(name):
    assert load_network(name).name in registry.names()


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".YAML"])
@pytest.mark.parametrize("kind", [str, Path])
def test_a_file(tmp_path, suffix, kind):
    path = tmp_path / f"tiny{suffix}"
    path.write_text(TINY, encoding="utf-8")
    assert load_network(kind(path)).macs == 40


def test_a_network_passes_through():
    network = registry.build("alexnet")
    assert load_network(network) is network


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("alexnt", "network 'alexnt' is not known; give a network's name, the path of a .yaml, .onnx"),
        ("alexnt", "Did you mean 'alexnet'?"),
        ("", "network '' is not known"),
        ("model.onnx", "model.onnx: there is no such file"),
        ("model.h5", "files of type '.h5' are not read; give a network's name, the path of a .yaml, .onnx"),
        (Path("model.pt"), "files of type '.pt' are not read"),
        ("nets/tiny", "a path must end in .yaml, .yml, .onnx, .txt or .csv"),
        ("missing.yaml", "missing.yaml: there is no such file"),
        ("a" * 5000 + ".yaml", "cannot be read"),
        ("\0.yml", ".yml"),
        (None, "network = None cannot be loaded; give"),
        (3, "network = 3 cannot be loaded"),
    ],
)  # fmt: skip
def test_what_cannot_be_loaded_is_refused_with_what_can(source, says):
    with pytest.raises(InputError) as caught:
        load_network(source)
    assert says in str(caught.value)


def test_a_folder_is_refused(tmp_path):
    folder = tmp_path / "net.yaml"
    folder.mkdir()
    with pytest.raises(InputError, match="is a folder"):
        load_network(folder)


def test_a_large_file_is_refused(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("#" * (2**20 + 1), encoding="utf-8")
    with pytest.raises(InputError, match="larger than 1024 KiB"):
        load_network(path)
