"""Names of layers: the user's module paths, the same from PyTorch and from what PyTorch exports to ONNX."""

import re

_STEM = re.compile(r"(.+?)(?:\.(?:weight|bias|weight_ih_l0|weight_ih)|_weight|_bias)", re.ASCII)
"""What a layer is called whose parameter is `fc.weight`, `attention.in_proj_weight`, `lstm.weight_ih_l0`."""

_CALLED_AGAIN = re.compile(r"@\d+")

_OF_KIND = {
    "conv": (".conv.",),
    "product": (".linear.",),
    "recurrent": (".rnn.",),
    "embedding": (".sparse.",),
    "normalization": (".batchnorm.", ".normalization.", ".instancenorm."),
}
"""Where in torch.nn.modules the modules live that are nothing but one operator of that kind."""

_COMPOUND = (".container.", ".transformer.", ".activation.MultiheadAttention")


def name_of(kind: str, operator: str, module: str, module_class: str, parameter: str = "") -> str:
    """The name of an operator.

    That of its module if the module is this operator, as `nn.Conv2d` is; else that of the parameter that it
    reads, if it lies in the module; else the module and the operator.

    Args:
        kind: as in `graph.Operator`.
        operator: the operator's own word, `conv2d`.
        module: path of the module that called it, empty for the network itself.
        module_class: that module's class with its package.
        parameter: path of the weights, empty if there are none.

    >>> name_of("conv", "conv2d", "features.0", "torch.nn.modules.conv.Conv2d", "features.0.weight")
    'features.0'
    >>> name_of("product", "linear", "attention", "own.Attention", "attention.in_proj_weight")
    'attention.in_proj'
    >>> name_of("elementwise", "add", "block", "own.Block")
    'block.add'
    """
    module = _CALLED_AGAIN.sub("", module)
    ours = "torch.nn." in module_class and not any(part in module_class for part in _COMPOUND)
    expected = _OF_KIND.get(kind)
    if module and ours and (expected is None or any(part in module_class for part in expected)):
        return module
    match = _STEM.fullmatch(parameter)
    # Tied weights go by the name of one owner, and so say nothing elsewhere; a module that was folded into
    # this layer (a normalisation) stands beside the owner of its weights.
    if match and (match[1].startswith(f"{module}.") or match[1] == module or not module or ours):
        return match[1]
    operator = operator.rstrip("_") or operator
    return f"{module}.{operator}" if module else operator
