"""Gradients of a network's loss by all its weights, by TensorFlow.

Usage: gradients.py FOLDER with network.json (layers, input, dims of weights in order, normEpsilon), weights.f32, photos.u8,
targets.f32; leaves gradients.f32 in the order of the weights and prints the loss. A convolution without a bias is normalised
by its batch.
"""

import json
import os
import sys

import numpy as np
import tensorflow as tf

folder = sys.argv[1]


def read(name, kind):
    return np.fromfile(os.path.join(folder, name), kind)


with open(os.path.join(folder, "network.json")) as file:
    task = json.load(file)
size = task["input"]["size"]
numbers, weights, at = read("weights.f32", np.float32), {}, 0
for name, dims in task["weights"]:
    count = int(np.prod(dims))
    weights[name] = tf.Variable(numbers[at : at + count].reshape(dims))
    at += count
photos = read("photos.u8", np.uint8).reshape(-1, size, size, 3).astype(np.float32)
photos = (photos - task["input"]["mean"]) / task["input"]["divisor"]
targets = read("targets.f32", np.float32).reshape(len(photos), -1)


def pair(value):
    return value if isinstance(value, list) else [value, value]


def convolve(layer, x):
    kernel = weights[layer["name"] + "/kernel"]
    stride = [1, *pair(layer["stride"]), 1]
    padding = layer["padding"].upper()
    if layer["groups"] > 1:
        y = tf.nn.depthwise_conv2d(x, tf.transpose(kernel, [2, 3, 0, 1]), stride, padding)
    else:
        y = tf.nn.conv2d(x, tf.transpose(kernel, [2, 3, 1, 0]), stride, padding)
    if layer["name"] + "/bias" in weights:
        return y + weights[layer["name"] + "/bias"]
    mean, variance = tf.nn.moments(y, [0, 1, 2])
    beta, gamma = (weights[layer["name"] + part] for part in ("/beta", "/gamma"))
    return tf.nn.batch_normalization(y, mean, variance, beta, gamma, task["normEpsilon"])


def run(layer, inputs):
    x = inputs[0]
    op = layer["op"]
    if op == "conv":
        return convolve(layer, x)
    if op == "dense":
        kernel = weights[layer["name"] + "/kernel"]
        return x @ tf.transpose(kernel) + weights[layer["name"] + "/bias"]
    if op in ("max-pool", "average-pool"):
        pool = tf.nn.max_pool2d if op == "max-pool" else tf.nn.avg_pool2d
        return pool(x, pair(layer["kernelSize"]), pair(layer["stride"]), layer["padding"].upper())
    if op == "global-average-pool":
        return tf.reduce_mean(x, [1, 2])
    if op == "concat":
        return tf.concat(inputs, -1)
    if op == "add":
        return inputs[0] + inputs[1]
    return {"relu": tf.nn.relu, "relu6": tf.nn.relu6, "silu": tf.nn.silu}[op](x)


with tf.GradientTape() as tape:
    results = []
    for layer in task["layers"]:
        ids = layer.get("inputs", [layer.get("input")])
        results.append(run(layer, [photos if i == -1 else results[i] for i in ids]))
    logs = tf.nn.log_softmax(results[-1])
    loss = -tf.reduce_sum(targets * logs) / len(photos)
gradients = tape.gradient(loss, list(weights.values()))
np.concatenate([np.ravel(g) for g in gradients]).astype(np.float32).tofile(
    os.path.join(folder, "gradients.f32")
)
print(json.dumps({"loss": float(loss)}))
