"""Makes SavedModels of Keras networks with random weights and asks TensorFlow about photos.

Usage: tensorflow_models.py FOLDER PHOTO ... . Writes one folder for each model below FOLDER and, as FOLDER/<size>.rgb, the
photos squashed by Pillow's bicubic to uint8 [photos, size, size, 3]. Prints, for each model, its name, its size and the
logits [photos, classes] that TensorFlow computes from these pixels; then, for each of test/fixtures/models/tensorflow,
the logarithms of its probabilities.
"""

import base64
import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

folder, *photos = sys.argv[1:]
folder = Path(folder)
random = np.random.default_rng(11)


def squashed(size):
    opened = [Image.open(photo).convert("RGB") for photo in photos]
    pixels = np.stack([np.asarray(photo.resize((size, size), Image.BICUBIC)) for photo in opened])
    (folder / f"{size}.rgb").write_bytes(pixels.tobytes())
    return pixels


def randomise(model, x):
    """Statistics of batch norm that fit the photos, so that these still make a difference many layers later, and the rest
    of it at random."""
    norms = [layer for layer in layers_of(model) if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        if norm.gamma is not None:
            norm.gamma.assign(random.uniform(0.6, 1.4, norm.gamma.shape))
        norm.beta.assign(random.uniform(-0.5, 0.5, norm.beta.shape))
        norm.momentum = 0
    model(x, training=True)


def layers_of(model):
    for layer in model.layers:
        yield from layers_of(layer) if isinstance(layer, keras.Model) else [layer]


def with_rescaling(size, base):
    """A classifier that takes levels, as the guides of Keras build one: rescaling, network, dropout, dense layer."""
    inputs = keras.Input((size, size, 3))
    x = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = base(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    x = keras.layers.Dropout(0.2)(x)
    return keras.Model(inputs, keras.layers.Dense(7, activation="softmax")(x))


def small(size):
    """What the two large ones lack."""
    layers = keras.layers
    inputs = keras.Input((size, size, 3))
    x = layers.Rescaling(1 / 255)(inputs)
    x = layers.Conv2D(16, 5, strides=2, padding="same", activation="silu")(x)
    x = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="elu")(x)
    x = layers.BatchNormalization()(x)
    x = layers.Conv2D(24, 3, dilation_rate=2, groups=4, activation="tanh")(x)
    gate = layers.GlobalAveragePooling2D()(x)
    gate = layers.Dense(6, activation="relu")(gate)
    gate = layers.Dense(24, activation="hard_sigmoid")(gate)
    x = layers.Multiply()([x, layers.Reshape((1, 1, 24))(gate)])
    x = layers.ZeroPadding2D(((0, 1), (1, 0)))(x)
    x = layers.SeparableConv2D(20, 3, strides=2, activation="hard_swish")(x)
    left = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    right = layers.AveragePooling2D(3, strides=2, padding="same")(x)
    x = layers.Concatenate()([left, right, layers.Subtract()([left, right])])
    x = layers.LeakyReLU(0.2)(x)
    x = layers.ReLU(max_value=4)(x)
    x = layers.MaxPooling2D(4)(x)
    x = layers.Flatten()(x)
    x = layers.Dense(32, activation="sigmoid")(x)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.Dense(9)(x))


def logits_of(model, x):
    last = model.layers[-1]
    kernel, bias = [weight.numpy() for weight in last.weights]
    # A classifier's activation is left out: what the last layer reads, and its weights.
    features = keras.Model(model.inputs, last.input)
    return features.predict(x, verbose=0) @ kernel + bias


def to_network(pixels):
    """What preprocess_input does for both networks."""
    return pixels.astype(np.float32) / 127.5 - 1


applications = keras.applications
MODELS = [
    ("mobilenet-v2", 224, lambda: applications.MobileNetV2(weights=None), to_network),
    ("inception-v3", 299, lambda: applications.InceptionV3(weights=None), to_network),
    (
        "rescaled",
        96,
        lambda: with_rescaling(96, applications.MobileNetV2((96, 96, 3), 0.35, include_top=False, weights=None)),
        lambda pixels: pixels.astype(np.float32),
    ),
    ("small", 64, lambda: small(64), lambda pixels: pixels.astype(np.float32)),
]

answers = []
for name, size, make, prepare in MODELS:
    keras.utils.set_random_seed(3)
    model = make()
    x = prepare(squashed(size))
    randomise(model, x)
    answer = {"size": size, "logits": logits_of(model, x).tolist()}
    model.export(str(folder / f"{name}-exported"), verbose=False)
    answers.append({"name": f"{name}-exported", **answer})
    tf.saved_model.save(model, str(folder / f"{name}-saved"))
    answers.append({"name": f"{name}-saved", **answer})

FIXTURES = Path(__file__).resolve().parents[2] / "test/fixtures/models/tensorflow"


def ask(model, photo):
    """A fixture takes one photo as an image file, as base64 text if TensorFlow 1 made it."""
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        meta = tf.compat.v1.saved_model.load(session, ["serve"], str(model))
        signature = meta.signature_def["serving_default"]
        (given,) = signature.inputs.values()
        (asked,) = [info for info in signature.outputs.values() if info.dtype == 1]
        text = base64.urlsafe_b64encode(photo) if model.name.startswith("tf1") else photo
        return session.run(asked.name, {given.name: [text]})[0]


pngs = [tf.io.encode_png(pixels).numpy() for pixels in squashed(32)]
for model in sorted(path for path in FIXTURES.iterdir() if path.is_dir()):
    logits = [np.log(ask(model, png)).tolist() for png in pngs]
    answers.append({"name": model.name, "size": 32, "logits": logits})
json.dump(answers, sys.stdout)
