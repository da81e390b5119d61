"""Widths of a network's values as a table."""

from chipwise.analysis.precision import LayerBits
from chipwise.report.tables import table
from chipwise.units import format_bytes, format_count


def bits_text(layers: tuple[LayerBits, ...]) -> str:
    """Bits of operands and accumulators, bytes of weights and bit operations of every layer."""
    head = ("layer", "input b", "weight b", "accumulator b", "weights", "bit operations")
    rows = [
        (
            layer.name,
            str(layer.input_bits),
            str(layer.weight_bits),
            str(layer.accumulator_bits),
            format_bytes(layer.weight_bits_total),
            format_count(layer.bit_operations),
        )
        for layer in layers
    ]
    widest = max(layer.accumulator_bits for layer in layers)
    foot = (
        "total",
        "",
        "",
        str(widest),
        format_bytes(sum(layer.weight_bits_total for layer in layers)),
        format_count(sum(layer.bit_operations for layer in layers)),
    )
    return "\n" + table(head, rows, left=("layer",), foot=foot)
