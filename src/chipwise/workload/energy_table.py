"""The layer table of the DNN energy estimation tool of Yang et al., CVPR 2017: read, and written.

One line per layer, 25 numbers with commas between them:

    index, ifmap H, W, C, N, zeros, bits, filter H, W, C, M, zeros, bits, ofmap H, W, C, N, zeros, bits,
    stride y, x, padding top, bottom, left, right

Grouped layers have C/groups in the filter's column; a fully-connected layer is a convolution whose filter is as
large as its input. `zeros` counts values, `bits` is the width of one. Names are not in the table.
"""

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

from chipwise.errors import InputError
from chipwise.workload.kinds import convolution, fully_connected
from chipwise.workload.layer import Layer
from chipwise.workload.network import Network
from chipwise.yamlfile import MAX_BYTES

COLUMNS: Final = (
    *("index", "ifmap H", "ifmap W", "ifmap C", "ifmap N", "ifmap zeros", "ifmap bits"),
    *("filter H", "filter W", "filter C", "filter M", "filter zeros", "filter bits"),
    *("ofmap H", "ofmap W", "ofmap C", "ofmap N", "ofmap zeros", "ofmap bits"),
    *("stride y", "stride x", "padding top", "padding bottom", "padding left", "padding right"),
)
WORD_BITS = 16
"""What is written for tensors whose width is the chip's word: Eyeriss's, which the tool models."""

MAX_LAYERS = 10_000

_NUMBER = re.compile(r"[0-9]{1,15}(?:\.0*)?", re.ASCII)
_PADDING = ("top", "bottom", "left", "right")
_COUNTED_FROM_ZERO = {
    "index",
    "ifmap zeros",
    "filter zeros",
    "ofmap zeros",
    *(f"padding {p}" for p in _PADDING),
}


def read_energy_table(path: str | Path) -> Network:
    """The network in the table at `path`, layers called layer1, layer2, ... by their index.

    Densities and bits of every tensor are those of the table.

    Raises:
        InputError: with file:line, for a wrong number of columns, a value that is no whole number, or shapes that
            contradict each other.
    """
    file = Path(path)
    try:
        with file.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # ValueError: a null character in the path
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{file}: cannot be read: {reason}") from None
    if len(raw) > MAX_BYTES:
        raise InputError(f"{file}: is larger than {MAX_BYTES // 1024} KiB, the most that is read")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise InputError(
            f"{file}:{line}: is not UTF-8 text; a layer table holds numbers and commas"
        ) from None
    return parse_energy_table(text, str(file))


def parse_energy_table(text: str, name: str) -> Network:
    """The network that `text` holds; `name` stands for the file in messages.

    >>> line = "1,227,227,3,1,0,16,11,11,3,96,0,16,55,55,96,1,0,16,4,4,0,0,0,0"
    >>> parse_energy_table(line, "table.txt").macs
    105415200
    """
    layers: dict[str, Layer] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{name}:{number}"
        row = _row(line, where)
        called = f"layer{row['index']}"
        if called in layers:
            raise InputError(f"{where}: index = {row['index']} stands twice; give each layer its own")
        if len(layers) == MAX_LAYERS:
            raise InputError(f"{where}: more than {MAX_LAYERS} layers; is it a layer table?")
        try:
            layers[called] = _layer(called, row)
        except InputError as error:
            raise InputError(f"{where}: {error}") from None
    if not layers:
        raise InputError(
            f"{name}: holds no layer; each is a line of {len(COLUMNS)} numbers with commas between"
        )
    return Network(Path(name).stem or "table", tuple(layers.values()))


def _row(line: str, where: str) -> dict[str, int]:
    cells = [cell.strip() for cell in line.split(",")]
    if len(cells) != len(COLUMNS):
        raise InputError(
            f"{where}: has {len(cells)} columns, a layer table has {len(COLUMNS)}: index, six each of ifmap, filter "
            "and ofmap (H, W, C, N or M, zeros, bits), two strides, four paddings"
        )
    row: dict[str, int] = {}
    for column, cell in zip(COLUMNS, cells, strict=True):
        least = 0 if column in _COUNTED_FROM_ZERO else 1
        if not _NUMBER.fullmatch(cell) or int(cell.partition(".")[0]) < least:
            raise InputError(f"{where}: {column} = {cell[:40]!r} must be a whole number of at least {least}")
        row[column] = int(cell.partition(".")[0])
    return row


def _layer(name: str, row: dict[str, int]) -> Layer:
    window = (row["filter H"], row["filter W"])
    stride = (row["stride y"], row["stride x"])
    padded = (
        row["ifmap H"] + row["padding top"] + row["padding bottom"],
        row["ifmap W"] + row["padding left"] + row["padding right"],
    )
    plane = (row["ofmap H"], row["ofmap W"])
    for axis, size, tap, step, out in zip("HW", padded, window, stride, plane, strict=True):
        expected = (size - tap) // step + 1 if size >= tap else 0
        if out != expected:
            raise InputError(
                f"ofmap {axis} = {out} does not follow from the others: ({size} with padding - {tap}) / {step} + 1 = "
                f"{expected}"
            )
    channels, filters = row["ifmap C"], row["filter M"]
    if row["ofmap C"] != filters or row["ofmap N"] != row["ifmap N"]:
        raise InputError(
            f"ofmap C = {row['ofmap C']} and N = {row['ofmap N']} must be the filter's M = {filters} and the ifmap's "
            f"N = {row['ifmap N']}"
        )
    if channels % row["filter C"]:
        raise InputError(f"filter C = {row['filter C']} must divide ifmap C = {channels}; it is C / groups")
    groups = channels // row["filter C"]
    whole = plane == (1, 1) and window == padded
    if whole and window == (1, 1) and groups == 1:
        layer = fully_connected(name, M=filters, C=channels, N=row["ifmap N"])
    else:
        layer = convolution(
            name,
            M=filters,
            C=channels,
            plane=plane,
            window=window,
            N=row["ifmap N"],
            stride=stride,
            groups=groups,
            kind="fc" if whole else "conv",
        )
    notes = {"input_height": row["ifmap H"], "input_width": row["ifmap W"]}
    notes |= {f"padding_{side}": row[f"padding {side}"] for side in _PADDING}
    return _with_values(replace(layer, notes={**layer.notes, **notes}), row)


def _with_values(layer: Layer, row: dict[str, int]) -> Layer:
    """The layer with the table's bits, and densities from its zeros."""
    tensors = []
    for tensor, columns in zip(layer.tensors, ("ifmap", "filter", "ofmap"), strict=True):
        fourth = "M" if columns == "filter" else "N"
        values = row[f"{columns} H"] * row[f"{columns} W"] * row[f"{columns} C"] * row[f"{columns} {fourth}"]
        zeros = row[f"{columns} zeros"]
        if zeros > values:
            raise InputError(f"{columns} zeros = {zeros} are more than its {values} values")
        density = 1 - zeros / values
        tensors.append(replace(tensor, bits=row[f"{columns} bits"], density=density, density_known=True))
    return replace(layer, tensors=tuple(tensors))


def write_energy_table(network: Network) -> str:
    """The layers of a network as such a table; zeros follow from the densities, and are 0 where none is known.

    Input planes are what the filter touches, with padding as data, unless the network came from a table.

    Raises:
        InputError: a layer for which the table has no columns: a transposed or dilated convolution, one in three
            dimensions, a product of activations, an einsum.

    >>> from chipwise.workload.zoo import alexnet
    >>> write_energy_table(alexnet.build()).splitlines()[1]
    '2,31,31,96,1,0,16,5,5,48,256,0,16,27,27,256,1,0,16,1,1,0,0,0,0'
    """
    if not network.layers:
        raise InputError(
            f"network {network.name!r} has no layer that does MACs, so its layer table would be empty"
        )
    lines = [_line(index, layer) for index, layer in enumerate(network.layers, 1)]
    return "".join(",".join(map(str, line)) + "\n" for line in lines)


def _line(index: int, layer: Layer) -> list[int]:
    dims, notes = layer.dims, layer.notes
    if layer.kind not in {"conv", "fc"} or "T" in dims or {"dilation", "transposed"} & notes.keys():
        what = next(
            (n for n in ("dilation", "transposed") if n in notes), "3-D" if "T" in dims else layer.kind
        )
        raise InputError(
            f"layer {layer.name!r} ({what}) has no place in the layer table, which knows convolutions in two "
            "dimensions and fully-connected layers; describe a network without it"
        )
    groups, n = dims.get("G", 1), dims.get("N", 1)
    channels, filters = dims.get("C", 1), dims.get("M", 1) * groups
    plane, window = (dims.get("P", 1), dims.get("Q", 1)), (dims.get("R", 1), dims.get("S", 1))
    coefficients = {d: c for rank in layer.tensor("input").ranks for d, c in rank.terms}
    stride = (coefficients.get("P", 1), coefficients.get("Q", 1))
    touched = [u * (p - 1) + r for u, p, r in zip(stride, plane, window, strict=True)]
    shapes = {
        "input": (
            notes.get("input_height", touched[0]),
            notes.get("input_width", touched[1]),
            channels * groups,
            n,
        ),
        "weight": (*window, channels, filters),
        "output": (*plane, filters, n),
    }
    line = [index]
    for name, (a, b, c, d) in shapes.items():
        tensor = layer.tensor(name)
        zeros = round((1 - tensor.density) * (a * b * c * d))
        line += [a, b, c, d, zeros, tensor.bits or WORD_BITS]
    return [*line, *stride, *(notes.get(f"padding_{side}", 0) for side in _PADDING)]
