"""Photos per second of training steps of EfficientNet-Lite0 in Keras, on constant photos and random weights.

Usage: echo SECONDS | keras-train-step.py FROM SIZE BATCH
FROM is the first block that trains, with batch norm folded away; or "all": everything trains, batch norm included.
It says "ready" after two steps; each line of standard input, the seconds to measure for, is answered by one number.

Keras as fast as it was found to be: one tf.function without XLA, TensorFlow's own number of threads, oneDNN, float32, and
scaled photos at hand. What was slower stands in docs/decisions/0024-training-step.md.
"""

import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"

import keras
import numpy as np
import tensorflow as tf

CLASSES = 81
STAGES = [
    # expansion, kernel, first stride, repeats, channels
    (1, 3, 1, 1, 16),
    (6, 3, 2, 2, 24),
    (6, 5, 2, 2, 40),
    (6, 3, 2, 3, 80),
    (6, 5, 1, 3, 112),
    (6, 5, 2, 4, 192),
    (6, 3, 1, 1, 320),
]


def build(first, size):
    """The network as its definition has it; what comes before block `first` does not train."""
    trains_all = first == "all"
    start = 0 if trains_all else int(first)

    def convolve(x, filters, kernel, stride, trains, relu=True):
        common = {"strides": stride, "padding": "same", "use_bias": not trains_all, "trainable": trains}
        if filters is None:
            x = keras.layers.DepthwiseConv2D(kernel, **common)(x)
        else:
            x = keras.layers.Conv2D(filters, kernel, **common)(x)
        if trains_all:
            x = keras.layers.BatchNormalization(epsilon=1e-3)(x)
        return keras.layers.ReLU(6.0)(x) if relu else x

    photo = keras.Input((size, size, 3))
    x = convolve(photo, 32, 3, 2, trains_all)
    block = 0
    channels = 32
    for expansion, kernel, first_stride, repeats, filters in STAGES:
        for repeat in range(repeats):
            trains = block >= start
            stride = first_stride if repeat == 0 else 1
            shortcut = x
            if expansion > 1:
                x = convolve(x, channels * expansion, 1, 1, trains)
            x = convolve(x, None, kernel, stride, trains)
            x = convolve(x, filters, 1, 1, trains, relu=False)
            if stride == 1 and channels == filters:
                x = keras.layers.Add()([shortcut, x])
            channels = filters
            block += 1
    x = convolve(x, 1280, 1, 1, True)
    x = keras.layers.GlobalAveragePooling2D()(x)
    return keras.Model(photo, keras.layers.Dense(CLASSES)(x))


def prepare(first, size, batch):
    """A step that has run twice, so that its graph is made."""
    model = build(first, size)
    if first == "all":
        optimiser = keras.optimizers.SGD(0.02, momentum=0.9, weight_decay=1e-4)
    else:
        optimiser = keras.optimizers.AdamW(1e-3, weight_decay=0.02)
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)

    @tf.function
    def step(photos, labels):
        with tf.GradientTape() as tape:
            value = loss(labels, model(photos, training=True))
        gradients = tape.gradient(value, model.trainable_variables)
        optimiser.apply_gradients(zip(gradients, model.trainable_variables))
        return value

    random = np.random.default_rng(0)
    photos = tf.constant(random.normal(size=(batch, size, size, 3)), tf.float32)
    labels = tf.one_hot(random.integers(0, CLASSES, batch), CLASSES)
    for _ in range(2):
        step(photos, labels).numpy()
    return lambda: step(photos, labels).numpy()


def measure(step, batch, seconds):
    start, steps = time.perf_counter(), 0
    while time.perf_counter() - start < seconds or steps < 2:
        step()
        steps += 1
    return batch * steps / (time.perf_counter() - start)


first, size, batch = sys.argv[1:]
step = prepare(first, int(size), int(batch))
print("ready", flush=True)
for line in sys.stdin:
    print(measure(step, int(batch), float(line)), flush=True)
