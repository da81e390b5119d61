"""Seconds to prove the certificates of ResNet-50 on Eyeriss again, and what the checker looked at.

    python benchmarks/certificates.py [--layers NAME ...] [--limit-seconds S]

Every distinct layer by default; energy, uneven placement, perfect factors. A layer that takes longer than the
limit is left, and said to be NOT FINISHED. Needs signals, so not Windows.
"""

import argparse
import signal
import sys
import time

from chipwise.components.load import load_accelerator
from chipwise.hardware.accelerator import Accelerator
from chipwise.mapper.checker import CertificateError, verify
from chipwise.mapper.mapspace import Mapspace
from chipwise.mapper.search import search
from chipwise.workload.layer import Layer
from chipwise.workload.load import load_network

SPACE = Mapspace("uneven", "perfect")


def measure(layer: Layer, chip: Accelerator, limit_s: float) -> str:
    """Search a layer and prove its certificate; what is to be said of it."""
    begin = time.perf_counter()
    found = search(layer, chip, "energy", space=SPACE)
    searched_s = time.perf_counter() - begin
    said = f"{layer.name:<20}search {searched_s:6.1f} s"
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    begin = time.perf_counter()
    try:
        proven = verify(layer, chip, found, SPACE)
    except TimeoutError:
        return f"{said}  NOT FINISHED in {limit_s:.0f} s"
    except CertificateError as error:
        return f"{said}  REFUTED: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return (
        f"{said}  proof {time.perf_counter() - begin:6.1f} s  {proven.classes} classes {proven.boxes:>10,} boxes"
        f"  by bound {proven.closed_by_bound:>9,}  by fit {proven.closed_by_fit:>9,}  leaves {proven.leaves:>7,}"
    )


def _stop(_signal: int, _frame: object) -> None:
    raise TimeoutError


def main() -> None:
    """Prove layer by layer; exit 1 if a certificate is refuted."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--layers", nargs="+", metavar="NAME")
    parser.add_argument("--limit-seconds", type=float, default=900.0)
    arguments = parser.parse_args()
    chip, network = load_accelerator("eyeriss"), load_network("resnet50")
    distinct = {layer.shape_key: layer for layer in reversed(network.layers)}
    layers = [network.layer(name) for name in arguments.layers or ()] or list(distinct.values())[::-1]
    signal.signal(signal.SIGALRM, _stop)
    refuted = False
    for layer in layers:
        said = measure(layer, chip, arguments.limit_seconds)
        refuted = refuted or "REFUTED" in said
        print(said, flush=True)
    sys.exit(refuted)


if __name__ == "__main__":
    main()
