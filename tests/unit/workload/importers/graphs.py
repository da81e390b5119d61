"""ONNX graphs by hand, in one line each."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def weights(name, *shape, kind=np.float32):
    return numpy_helper.from_array(np.zeros(shape, kind), name)


def numbers(name, *values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


def node(kind, inputs, outputs, name="", **given):
    return helper.make_node(kind, inputs.split(), outputs.split(), name=name, **given)


def save(path, nodes, inputs, outputs, stored=(), *, opset=20, **more):
    """Write a model; `inputs` and `outputs` are (name, shape) or value infos."""
    infos = [[tensor(*v) if isinstance(v, tuple) else v for v in values] for values in (inputs, outputs)]
    graph = helper.make_graph(nodes, "graph", *infos, list(stored))
    opsets = [
        helper.make_opsetid("", opset),
        helper.make_opsetid("com.microsoft", 1),
        helper.make_opsetid("own", 1),
    ]
    model = helper.make_model(graph, opset_imports=opsets, **more)
    path.write_bytes(model.SerializeToString())
    return path
