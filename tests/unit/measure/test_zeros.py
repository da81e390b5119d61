import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from chipwise.errors import InputError
from chipwise.measure.zeros import LayerZeros, Zeros, checked, run_lengths


@given(st.lists(st.booleans(), max_size=30))
def test_runs_are_what_a_person_would_count(mask):
    text = "".join("0" if zero else " " for zero in mask)
    assert run_lengths(np.array(mask, bool)).tolist() == [len(run) for run in text.split()]


@given(arrays.arrays(np.float32, (4, 3, 2, 2), elements=st.sampled_from([0.0, -0.0, 1.0, -2.0])))
def test_batches_add_up_to_the_whole(values):
    whole, parts = Zeros(), Zeros()
    whole.add(values, 4, 1)
    parts.add(values[:1], 1, 1)
    parts.add(values[1:], 3, 1)
    assert parts.to_dict() == whole.to_dict()
    assert whole.density == np.count_nonzero(values) / values.size
    assert whole.of_channel.tolist() == [int((values[:, c] == 0).sum()) for c in range(3)]
    assert whole.images == [float((image == 0).mean()) for image in values]
    json.dumps(whole.to_dict(), allow_nan=False)


def test_what_is_said_of_two_images():
    zeros = Zeros()
    zeros.add(np.array([[[0, 0, 1, 0]], [[1, 1, 1, 0]]], float), 2, 1)
    assert zeros.to_dict() == {
        "values": 8,
        "zeros": 4,
        "zero_fraction_by_channel": {"channels": 1, "min": 0.5, "mean": 0.5, "max": 0.5},
        "zero_fraction_by_image": {
            "min": 0.25,
            "mean": 0.5,
            "max": 0.75,
            "histogram": [0, 0, 1, 0, 0, 0, 0, 1, 0, 0],
        },
        "zero_runs": {"mean_length": 4 / 3, "mean_longest_by_image": 1.5},
    }


def test_rows_that_belong_to_one_image_are_counted_as_one():
    zeros = Zeros()
    zeros.add(np.zeros((6, 2)), 2, -1)  # three tokens of two images
    assert zeros.images == [1.0, 1.0]
    zeros = Zeros()
    zeros.add(np.zeros((5, 3)), 2, -1)  # no whole number of values each
    assert zeros.images == [1.0]


def test_nothing_counted_is_dense():
    assert Zeros().density == 1.0
    assert LayerZeros().densities() == {}


def test_nan_is_refused_by_name():
    with pytest.raises(InputError, match=r"layer 'conv1': its output has values that are no numbers"):
        checked(np.array([1.0, np.nan]), "conv1", "output")
    assert checked(np.array([1]), "conv1", "output").size == 1
