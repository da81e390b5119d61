"""Cycles of layers on systolic arrays, against what SCALE-Sim prints for them.

Every published figure is one that SCALE-Sim 3.0.0 printed as "Total Cycles" in its COMPUTE_REPORT.csv, with unlimited
bandwidth (InterfaceBandwidth = CALC), of layers of known networks in shapes that it can run in seconds: planes with
their padding included, one filter group. None of them comes from its formula. It prints the index of the last cycle,
so one less than `systolic_cycles` counts, and that is what is compared.
"""

from collections.abc import Iterator, Mapping, Sequence

from chipwise.analysis.estimators.systolic import Dataflow, product_of, systolic_cycles
from chipwise.analysis.validation import Check
from chipwise.workload.kinds import conv, fully_connected
from chipwise.workload.layer import Layer

SOURCE = (
    "SCALE-Sim 3.0.0 (github.com/scalesim-project/SCALE-Sim), COMPUTE_REPORT.csv of runs with these layers"
)

LAYERS: Sequence[Layer] = (
    conv("lenet5 conv1", M=6, C=1, P=24, Q=24, R=5, S=5),
    conv("lenet5 conv2", M=16, C=6, P=10, Q=10, R=5, S=5),
    fully_connected("lenet5 fc1", M=120, C=400),
    conv("alexnet conv3, a quarter of it", M=96, C=64, P=13, Q=13, R=3, S=3),
    conv("squeezenet fire9 squeeze", M=64, C=512, P=13, Q=13, R=1, S=1),
    conv("resnet50 layer4.0.conv1", M=512, C=1024, P=7, Q=7, R=1, S=1),
    conv("resnet18 with stride 2", M=64, C=32, P=7, Q=7, R=3, S=3, stride=2),
    conv("mobilenet pointwise", M=128, C=128, P=14, Q=14, R=1, S=1),
)

PRINTED: Mapping[tuple[Dataflow, int, int], Sequence[int]] = {
    (Dataflow.OUTPUT_STATIONARY, 16, 16): (1979, 1259, 3439, 39995, 23847, 134911, 5087, 16431),
    (Dataflow.WEIGHT_STATIONARY, 16, 16): (1243, 1459, 9399, 46439, 27519, 194559, 6839, 15487),
    (Dataflow.INPUT_STATIONARY, 16, 16): (3743, 4339, 4149, 56231, 38719, 142847, 7919, 18095),
    (Dataflow.OUTPUT_STATIONARY, 8, 24): (3959, 2339, 2149, 53327, 35771, 162315, 6677, 23699),
    (Dataflow.WEIGHT_STATIONARY, 8, 24): (2455, 2621, 9749, 59615, 39743, 244991, 9395, 22463),
    (Dataflow.INPUT_STATIONARY, 8, 24): (4223, 5129, 7899, 77183, 52223, 211199, 11015, 23903),
}
"""By dataflow, rows and columns: "Total Cycles" of each layer."""


def checks() -> Iterator[Check]:
    """Every layer on every array in every dataflow, exactly."""
    for (dataflow, rows, columns), printed in PRINTED.items():
        for layer, figure in zip(LAYERS, printed, strict=True):
            last = systolic_cycles(product_of(layer), dataflow, rows, columns).cycles - 1
            item = f"{layer.name}, {rows} x {columns}, {dataflow.value}"
            yield Check(item, "last cycle", "cycles", figure, last, 0.0)
