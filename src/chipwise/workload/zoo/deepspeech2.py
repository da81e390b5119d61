"""Deep Speech 2: two convolutions over a spectrogram, five bidirectional LSTM layers, and letters."""

from typing import Annotated

from chipwise.workload import operations
from chipwise.workload.network import Network
from chipwise.workload.parameters import Between
from chipwise.workload.zoo._builder import Builder, Value

_FREQUENCIES = 161
"""Of a window of 20 ms at 16 kHz."""
_HIDDEN = 1024
_LETTERS = 29


def build(frames: Annotated[int, Between(11, 4096)] = 200) -> Network:
    """The deepspeech.pytorch model (five layers of 1024, directions summed); 100 frames are a second of speech.

    Source: Amodei et al., ICML 2016, in the sizes of the public implementation deepspeech.pytorch.

    >>> build().layer("rnns.0.rnn.input").dims
    {'N': 100, 'M': 4096, 'C': 1312}
    """
    net = Builder(
        "deepspeech2",
        input_shape=(1, _FREQUENCIES, frames),
        title="Deep Speech 2 (LSTM)",
        source="Amodei et al., 'Deep Speech 2: end-to-end speech recognition in English and Mandarin', ICML 2016; "
        "sizes of deepspeech.pytorch",
    )
    x = net.conv("conv.0", net.input, 32, (41, 11), stride=2)
    x = net.conv("conv.3", x, 32, (21, 11), stride=(2, 1))
    channels, frequencies, steps = x.shape
    x = x.reshaped(steps, channels * frequencies)
    for index in range(5):
        if index:
            x = net.normalization(f"rnns.{index}.batch_norm", x)
        x = net.add(f"rnns.{index}.sum", *net.lstm(f"rnns.{index}.rnn", x, _HIDDEN, bidirectional=True))
    x = net.fc("fc.1", net.normalization("fc.0", x), _LETTERS)
    _softmax(net, "softmax", x)
    return net.network()


def _softmax(net: Builder, name: str, x: Value) -> Value:
    return net.emit(operations.softmax(name, shape=x.shape), x.shape, x)
