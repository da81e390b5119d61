"""Stand-ins for the applications of the first TPU, whose layers and weights are published and whose shapes are not."""

from chipwise.workload.network import Network
from chipwise.workload.zoo._builder import Builder

SOURCE = (
    "stand-in: Jouppi et al., 'In-datacenter performance analysis of a tensor processing unit', ISCA 2017, Table 1, "
    "prints"
)


def square_layers(name: str, title: str, *, layers: int, size: int, printed: str) -> Network:
    """Fully-connected layers of one size, square so that nothing but their number and weights is claimed."""
    net = Builder(
        name,
        input_shape=(size,),
        title=f"TPU v1 {title} (stand-in)",
        source=f"{SOURCE} {layers} FC layers and {printed} weights, no shapes; equal square layers here",
    )
    x = net.input
    for index in range(1, layers + 1):
        x = net.fc(f"fc{index}", x, size)
    return net.network()
