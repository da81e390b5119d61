"""Do sums of a lookup table follow whole networks, and do MACs? On this machine, one thread.

`python studies/lookup_table.py [--backend torch|onnxruntime]` measures; `--write` renews docs/adapt.md.
"""

# ruff: noqa: INP001, T201 - a script beside others, not a package

import argparse

import torch
from adapt_files import section
from study_files import markdown_table

from chipwise.adapt.networks import mobile, plain
from chipwise.adapt.shapes import LayerShape, layer_shapes
from chipwise.measure.latency.networks import backend_of
from chipwise.measure.latency.table import LatencyTable
from chipwise.measure.latency.validation import Validation, agreement, validate

TITLES = {"torch": "", "onnxruntime": ": ONNX Runtime"}
IMAGE = torch.zeros(1, 1, 32, 32)


def widths(seed: int, low: int, high: int, networks: int) -> list[list[int]]:
    """Random widths of five layers, the same each time."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(low, high + 1, (networks, 5), generator=generator).tolist()


def staircase(table: LatencyTable) -> list[tuple[int, float, float]]:
    """Channels, time and MAC/s of a 3x3 layer with as many channels in as out."""
    found = []
    for channels in range(32, 73, 4):
        shape = LayerShape(
            f"c{channels}",
            "conv2d",
            N=1,
            M=channels,
            C=channels,
            H=16,
            W=16,
            P=16,
            Q=16,
            R=3,
            S=3,
            padding=(1, 1),
        )
        table.timing(shape)
        found.append((channels, shape))
    table.improve(3)
    return [(c, table.of_layer(s), s.macs / table.of_layer(s)) for c, s in found]


def main() -> None:
    """Measure, print, and write if asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--backend", default="torch", choices=list(TITLES))
    options.add_argument("--networks", type=int, default=12, help="of each of two families")
    options.add_argument("--rounds", type=int, default=6)
    options.add_argument("--write", action="store_true", help="renew docs/adapt.md")
    given = options.parse_args()
    backend = backend_of(given.backend)
    table = LatencyTable.open(None, backend)
    models = {
        "depthwise": [mobile(w) for w in widths(1, 8, 96, given.networks)],
        "plain": [plain(w) for w in widths(2, 8, 64, given.networks)],
    }
    every = [model for family in models.values() for model in family]
    for model in every:
        table.of(layer_shapes(model, IMAGE))
    left = table.improve(given.rounds)
    found = validate(table, backend, every, IMAGE, rounds=given.rounds)
    rows = []
    for at, name in enumerate((*models, "both")):
        chosen = slice(None) if name == "both" else slice(at * given.networks, (at + 1) * given.networks)
        for what, estimates in (("lookup table", found.sums_s), ("MACs", found.macs)):
            how = agreement(estimates[chosen], found.measured_s[chosen])
            scale = f"{how.scale:.3f}" if what == "lookup table" else f"{1e-9 / how.scale:.2f} GMAC/s"
            rows.append([f"{name}, {what}", scale, f"{how.mape:.1%}", f"{how.rank_correlation:.3f}"])
    steps = [
        [str(c), f"{s * 1e6:.0f}", f"{rate * 1e-9:.1f}"]
        for c, s, rate in staircase(LatencyTable.open(None, backend))
    ]
    text = written(given, found, table, left, rows, steps)
    print(text)
    if given.write:
        section("lookup-table" if given.backend == "torch" else f"lookup-table-{given.backend}", text)


def written(
    given: argparse.Namespace,
    found: Validation,
    table: LatencyTable,
    left: float,
    rows: list[list[str]],
    steps: list[list[str]],
) -> str:
    """The section of the document."""
    facts = table.provenance
    device = ", ".join(facts[name] for name in ("device", "instructions") if name in facts)
    versions = " ".join(f"{name} {version}" for name, version in facts["versions"].items())
    each = given.networks
    first, last = found.measured_s[:each], found.measured_s[each:]
    noise = {n: max(t) / min(t) - 1 for n, t in table.sentinels.items()}
    spans = [f"{min(t) * 1e6:.0f} to {max(t) * 1e6:.0f} us" for t in (first, last)]
    return f"""### Lookup table against whole networks{TITLES[given.backend]}
{each} random depthwise networks ({spans[0]}) and {each} random plain ones ({spans[1]}), 32x32 images;
{len(table.entries)} entries, fastest of {given.rounds + 1} rounds; {device},
{versions}, one thread, {facts["date"][:10]}. One scale factor for each row. The machine was shared:
sentinels moved by up to {max(noise.values()):.0%} between rounds, and the last round lowered one entry by {left:.0%}.

{markdown_table(["estimate", "scale", "mean error", "rank correlation"], rows)}
Time of a 3x3 layer on 16x16 images by its channels (as many in as out):

{markdown_table(["channels", "us", "GMAC/s"], steps)}
"""


if __name__ == "__main__":
    main()
