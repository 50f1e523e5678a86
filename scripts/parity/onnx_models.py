"""Builds small image classifiers as ONNX graphs in the folder given, runs them in onnxruntime, and prints as JSON what
each makes of one random photo: {name: {photo, scaled, output, ends}}. `scaled` tells whether the graph reads levels."""

import json
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(sys.argv[1])
SIZE = 19
CLASSES = 7
FLOAT, FLOAT16, UINT8 = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.UINT8


class Graph:
    """Collects nodes and constants of one model; every method gives the name of a result."""

    def __init__(self, opset, nhwc=False, dtype=FLOAT, batch="n"):
        self.opset, self.nhwc, self.dtype, self.batch = opset, nhwc, dtype, batch
        self.nodes, self.constants = [], []
        self.random = np.random.default_rng(len(MODELS) + 1)

    def node(self, op, *inputs, **attributes):
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, value, dtype=np.float32):
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def integers(self, *values):
        return self.constant(values, np.int64)

    def weights(self, *shape, spread=None):
        fan = int(np.prod(shape[1:])) or 1
        return self.constant(self.random.normal(0, spread or fan**-0.5, shape))

    def conv(self, x, channels, filters, kernel=3, groups=1, bias=True, **attributes):
        inputs = [x, self.weights(filters, channels // groups, kernel, kernel)]
        inputs += [self.weights(filters, spread=0.1)] if bias else []
        attributes.setdefault("pads", [kernel // 2] * 4)
        if "auto_pad" in attributes:
            del attributes["pads"]
        return self.node("Conv", *inputs, group=groups, kernel_shape=[kernel, kernel], **attributes)

    def norm(self, x, channels):
        parts = [self.random.uniform(0.5, 1.5, channels) for _ in range(4)]
        parts[1] -= 1
        return self.node("BatchNormalization", x, *map(self.constant, parts), epsilon=1e-3)

    def gemm(self, x, features, units=CLASSES):
        return self.node("Gemm", x, self.weights(units, features), self.weights(units, spread=0.1), transB=1)

    def head(self, x, channels):
        pooled = self.node("Flatten", self.node("GlobalAveragePool", x))
        return self.gemm(pooled, channels)


MODELS = {}


def model(name, scaled=False, ends="logits", external=False, **options):
    """Registers a function that builds a graph from `photo` and gives its output."""

    def register(build):
        graph = Graph(**options)
        output = build(graph)
        shape = [graph.batch, SIZE, SIZE, 3] if graph.nhwc else [graph.batch, 3, SIZE, SIZE]
        proto = helper.make_model(
            helper.make_graph(
                graph.nodes,
                name,
                [helper.make_tensor_value_info("photo", graph.dtype, shape)],
                [helper.make_tensor_value_info(output, FLOAT, [graph.batch, CLASSES])],
                graph.constants,
            ),
            opset_imports=[helper.make_opsetid("", graph.opset)],
        )
        proto.ir_version = 8
        onnx.checker.check_model(proto)
        path = FOLDER / f"{name}.onnx"
        if external:
            onnx.save_model(proto, path, save_as_external_data=True, location=f"{name}.bin", size_threshold=0)
        else:
            onnx.save_model(proto, path)
        MODELS[name] = run(path, graph, scaled, ends)

    return register


def run(path, graph, scaled, ends):
    photo = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3), np.uint8)
    levels = photo.astype(np.float32)
    entering = levels if scaled else (levels - 127.5) / 127.5
    if not graph.nhwc:
        entering = entering.transpose(2, 0, 1)
    dtype = {FLOAT: np.float32, FLOAT16: np.float16, UINT8: np.uint8}[graph.dtype]
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (output,) = session.run(None, {"photo": entering[None].astype(dtype)})
    return {"photo": photo.flatten().tolist(), "scaled": scaled, "output": output[0].tolist(), "ends": ends}


@model("mobile", opset=13, ends="softmax")
def _(g):
    six = (g.constant(0), g.constant(6))
    x = g.node("Clip", g.norm(g.conv("photo", 3, 8, bias=False, strides=[2, 2]), 8), *six)
    y = g.node("Clip", g.norm(g.conv(x, 8, 8, groups=8, bias=False), 8), *six)
    y = g.norm(g.conv(y, 8, 8, kernel=1, bias=False), 8)
    return g.node("Softmax", g.head(g.node("Dropout", g.node("Add", x, y)), 8), axis=-1)


@model("old", opset=7, ends="softmax", batch=1)
def _(g):
    x = g.node("Clip", g.norm(g.conv("photo", 3, 8, bias=False, strides=[2, 2]), 8), min=0.0, max=6.0)
    x = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = g.node("Dropout", g.node("Reshape", x, g.integers(1, -1)), ratio=0.5)
    x = g.node("Gemm", x, g.weights(8 * 25, CLASSES), g.weights(1, CLASSES), alpha=0.5, beta=2.0)
    return g.node("Softmax", x)


@model("channels-last", opset=13, ends="softmax", scaled=True, nhwc=True)
def _(g):
    x = g.node("Sub", g.node("Mul", "photo", g.constant(1 / 127.5)), g.constant([1, 1, 1]))
    x = g.node("Transpose", x, perm=[0, 3, 1, 2])
    x = g.conv(x, 3, 8, auto_pad="SAME_UPPER", strides=[2, 2], bias=False)
    x = g.node("Add", x, g.constant(g.random.normal(size=(1, 8, 1, 1))))
    x = g.node("Relu", x)
    x = g.node("Squeeze", g.node("ReduceMean", x, axes=[2, 3], keepdims=1), g.integers(2, 3))
    x = g.node("MatMul", x, g.weights(8, CLASSES))
    return g.node("Softmax", g.node("Add", x, g.weights(CLASSES)))


@model("channels-last-flat", opset=11, scaled=True, nhwc=True)
def _(g):
    x = g.node("Transpose", g.node("Div", "photo", g.constant(255)), perm=[0, 3, 1, 2])
    x = g.node("Relu", g.conv(x, 3, 4, strides=[3, 3]))
    x = g.node("Transpose", x, perm=[0, 2, 3, 1])
    x = g.node("Mul", x, g.weights(4, spread=1))
    return g.gemm(g.node("Flatten", x), 4 * 49)


@model("branches", opset=12, scaled=True)
def _(g):
    x = g.node("Div", "photo", g.constant(255))
    x = g.node("Sub", x, g.constant(np.reshape([0.485, 0.456, 0.406], (1, 3, 1, 1))))
    x = g.node("Div", x, g.constant(np.reshape([0.229, 0.224, 0.225], (1, 3, 1, 1))))
    x = g.node("Relu", g.conv(x, 3, 6))
    a = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    b = g.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    c = g.node("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_UPPER")
    d = g.node("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2], ceil_mode=1)
    x = g.node("Concat", a, b, c, d, axis=1)
    count = g.node("Gather", g.node("Shape", x), g.constant(0, np.int64), axis=0)
    shape = g.node("Concat", g.node("Unsqueeze", count, axes=[0]), g.integers(-1), axis=0)
    return g.gemm(g.node("Reshape", x, shape), 24 * 100)


@model("activations", opset=20)
def _(g):
    x = g.conv("photo", 3, 6)
    x = g.node("HardSwish", g.conv(g.node("LeakyRelu", x, alpha=0.2), 6, 6))
    x = g.node("Elu", g.conv(x, 6, 6), alpha=0.7)
    x = g.conv(x, 6, 6)
    x = g.node("Mul", g.node("Sigmoid", x), x)
    x = g.node("Gelu", g.conv(x, 6, 6))
    x = g.node("HardSigmoid", g.conv(x, 6, 6), alpha=0.25, beta=0.4)
    x = g.node("Clip", g.conv(x, 6, 6), g.constant(-0.3), g.constant(0.8))
    x = g.node("Max", g.conv(x, 6, 6), g.constant(-0.2))
    x = g.node("Min", g.conv(x, 6, 6), g.constant(0.3))
    x = g.node("PRelu", g.conv(x, 6, 6), g.constant(np.full((6, 1, 1), 0.3)))
    x = g.node("Neg", g.node("Tanh", g.conv(x, 6, 6)))
    x = g.node("Sub", g.constant(0.5), g.node("Sub", x, g.conv(x, 6, 6)))
    return g.head(x, 6)


@model("gelu-taken-apart", opset=13)
def _(g):
    x = g.conv("photo", 3, 6)
    bell = g.node("Add", g.node("Erf", g.node("Div", x, g.constant(2**0.5))), g.constant(1))
    x = g.conv(g.node("Mul", g.node("Mul", x, bell), g.constant(0.5)), 6, 6)
    bell = g.node("Add", g.node("Erf", g.node("Mul", x, g.constant(0.5**0.5))), g.constant(1))
    x = g.node("Mul", g.node("Mul", x, g.constant(0.5)), bell)
    return g.head(x, 6)


@model("gates", opset=14)
def _(g):
    x = g.conv("photo", 3, 8)
    gate = g.node("Relu", g.conv(g.node("GlobalAveragePool", x), 8, 4, kernel=1))
    gate = g.node("HardSigmoid", g.conv(gate, 4, 8, kernel=1), alpha=1 / 6, beta=0.5)
    x = g.node("Mul", gate, x)
    flat = g.node("ReduceMean", x, axes=[-1, -2], keepdims=0)
    gate = g.node("Sigmoid", g.gemm(flat, 8, 8))
    gate = g.node("Unsqueeze", gate, g.integers(2, 3))
    x = g.node("Mul", x, gate)
    gate = g.node("Reshape", g.node("Flatten", g.node("GlobalMaxPool", x)), g.integers(-1, 8, 1, 1))
    x = g.node("Sum", x, gate)
    return g.node("Identity", g.head(x, 8))


@model("channel-by-channel", opset=13)
def _(g):
    parts = []
    for channel, (scale, offset) in enumerate([(0.458, -0.03), (0.448, -0.088), (0.45, -0.188)]):
        part = g.node("Gather", "photo", g.constant(channel, np.int64), axis=1)
        part = g.node("Unsqueeze", part, g.integers(1))
        parts.append(g.node("Add", g.node("Mul", part, g.constant(scale)), g.constant(offset)))
    return g.head(g.node("Relu", g.conv(g.node("Concat", *parts, axis=1), 3, 8)), 8)


@model("bytes", opset=13, scaled=True, nhwc=True, dtype=UINT8, ends="log-softmax")
def _(g):
    x = g.node("Cast", g.node("Transpose", "photo", perm=[0, 3, 1, 2]), to=FLOAT)
    x = g.node("Mul", x, g.constant(1 / 128))
    return g.node("LogSoftmax", g.head(g.node("Relu", g.conv(x, 3, 8)), 8))


@model("halves", opset=13, dtype=FLOAT16)
def _(g):
    x = g.node("Cast", "photo", to=FLOAT)
    kernel = g.constant(g.random.normal(0, 0.2, (8, 3, 3, 3)), np.float16)
    x = g.node("Relu", g.node("Conv", x, g.node("Cast", kernel, to=FLOAT)))
    return g.head(x, 8)


@model("beside", opset=13, external=True)
def _(g):
    return g.head(g.node("Relu", g.conv("photo", 3, 8)), 8)


@model("windows", opset=18)
def _(g):
    x = g.node("Pad", "photo", g.integers(0, 0, 2, 0, 0, 0, 1, 3))
    x = g.node("Relu", g.conv(x, 3, 6, auto_pad="SAME_LOWER", strides=[2, 2], kernel=4))
    x = g.node("Relu", g.conv(x, 6, 6, dilations=[2, 2], groups=3, pads=[2, 1, 2, 1]))
    x = g.conv(x, 6, 6, kernel=2, pads=[1, 0, 0, 1])
    x = g.node("MaxPool", x, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
    x = g.node("Pad", x, g.integers(1, 1), "", g.integers(3), mode="constant")
    return g.gemm(g.node("ReduceMean", x, g.integers(2, 3), keepdims=0), 6)


@model("integers", opset=13)
def _(g):
    kernel = g.constant(g.random.integers(-127, 128, (8, 3, 3, 3)), np.int8)
    scales, zeros = g.constant(g.random.uniform(0.001, 0.004, 8)), g.constant(np.zeros(8), np.int8)
    kernel = g.node("DequantizeLinear", kernel, scales, zeros, axis=0)
    return g.head(g.node("Relu", g.node("Conv", "photo", kernel)), 8)


@model("quantized", opset=13)
def _(g):
    def eight_bit(x, scale, zero, dtype=np.uint8):
        parameters = (g.constant(scale), g.constant(zero, dtype))
        return g.node("DequantizeLinear", g.node("QuantizeLinear", x, *parameters), *parameters)

    x = g.conv(eight_bit("photo", 1 / 128, 0, np.int8), 3, 8)
    x = g.node("Relu", g.conv(eight_bit(x, 0.02, 3), 8, 8))
    return g.head(eight_bit(x, 0.01, 0), 8)


@model("of-one-length", opset=13)
def _(g):
    x = g.node("Flatten", g.node("GlobalAveragePool", g.conv("photo", 3, 8)))
    x = g.node("Sqrt", g.node("Relu", x))
    length = g.node("Max", g.node("ReduceL2", x, axes=[1], keepdims=1), g.constant(1e-12))
    x = g.node("Mean", g.node("Div", x, length), g.node("LpNormalization", x, axis=1, p=2))
    return g.gemm(x, 8)


@model("convolutional", opset=21, ends="softmax")
def _(g):
    x = g.node("Relu", g.conv("photo", 3, 8))
    x = g.conv(g.node("GlobalAveragePool", x), 8, CLASSES, kernel=1)
    return g.node("Softmax", g.node("Flatten", x), axis=1)


json.dump(MODELS, sys.stdout)
