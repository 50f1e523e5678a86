"""Writes the SavedModels of test/fixtures/models/tensorflow and the answers that TensorFlow gives with them.

    .parity/bin/python scripts/parity/make_saved_models.py

Each holds a network of some hundred weights that tells five fruits apart in photos of 32 x 32 pixels, with random numbers
in place of a training. Those of TensorFlow 1 are what the workshop's script makes: base64 text is decoded, resized and
scaled in the graph, for one photo or for a batch in a loop. The photo that all are asked about is a PNG of 32 x 32 pixels,
which no resize changes.
"""

import base64
import json
import os
import shutil
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = "-1"

import numpy as np
import tensorflow as tf

tf1 = tf.compat.v1
tf1.disable_control_flow_v2()

ROOT = Path(__file__).resolve().parents[2] / "test/fixtures/models/tensorflow"
SIDE = 32
LABELS = ["apple", "banana", "cherry", "mango", "pineapple"]
random = np.random.default_rng(7)


def numbers(*shape, scale=0.4):
    return (random.standard_normal(shape) * scale).astype(np.float32)


WEIGHTS = {
    "stem": numbers(3, 3, 3, 8),
    "gamma": 1 + numbers(8),
    "beta": numbers(8),
    "mean": numbers(8),
    "variance": np.abs(1 + numbers(8)).astype(np.float32),
    "depthwise": numbers(3, 3, 8, 1),
    "point": numbers(1, 1, 8, 12),
    "kernel": numbers(12, len(LABELS), scale=1),
    "bias": numbers(len(LABELS)),
}


def photo():
    """uint8 [32, 32, 3]: a gradient with a disc in it."""
    rows, columns = np.mgrid[0:SIDE, 0:SIDE]
    disc = (rows - 14) ** 2 + (columns - 18) ** 2 < 60
    pixels = np.stack([rows * 8, columns * 8, 255 - rows * 4 - columns * 4], axis=-1)
    pixels[disc] = [230, 180, 20]
    return pixels.astype(np.uint8)


def network(x, weight):
    x = tf.nn.conv2d(x, weight("stem"), strides=2, padding="SAME")
    x, _, _ = tf1.nn.fused_batch_norm(
        x,
        weight("gamma"),
        weight("beta"),
        weight("mean"),
        weight("variance"),
        epsilon=1e-3,
        is_training=False,
    )
    x = tf.nn.relu6(x)
    x = tf.nn.depthwise_conv2d(x, weight("depthwise"), strides=[1, 1, 1, 1], padding="SAME")
    x = tf.nn.relu(x)
    x = tf.nn.conv2d(x, weight("point"), strides=1, padding="VALID")
    x = tf.nn.leaky_relu(x, alpha=0.1)
    x = tf.reduce_mean(x, axis=[1, 2])
    logits = tf.nn.bias_add(tf.matmul(x, weight("kernel")), weight("bias"))
    return tf.nn.softmax(logits)


def decode(text):
    """One photo as base64 text -> float32 [32, 32, 3] from -1 to 1."""
    pixels = tf1.image.decode_jpeg(tf1.decode_base64(text), channels=3)
    batch = tf1.image.resize_bilinear(tf.expand_dims(pixels, 0), [SIDE, SIDE])
    return tf.squeeze(batch, [0]) / 127.5 - 1.0


def while_loop(texts):
    """What map_fn does, by hand: photos are put one after the other."""
    count = tf.shape(texts)[0]
    photos = tf.zeros([0, SIDE, SIDE, 3])
    _, photos = tf1.while_loop(
        lambda at, _: at < count,
        lambda at, photos: (at + 1, tf.concat([photos, tf.expand_dims(decode(texts[at]), 0)], 0)),
        [tf.constant(0), photos],
        shape_invariants=[tf.TensorShape([]), tf.TensorShape([None, SIDE, SIDE, 3])],
    )
    return photos


def alone(texts):
    return tf.expand_dims(decode(tf.reshape(texts, [])), 0)


def mapped(texts):
    return tf1.map_fn(decode, texts, dtype=tf.float32)


TF1_MODELS = [
    ("tf1-frozen", alone, False),
    ("tf1-frozen-map", mapped, False),
    ("tf1-frozen-while", while_loop, False),
    ("tf1-variables", alone, True),
    ("tf1-variables-map", mapped, True),
]


def make_tf1(folder, front, variables):
    with tf.Graph().as_default(), tf1.Session() as session:

        def weight(name):
            if not variables:
                return tf.constant(WEIGHTS[name], name=name)
            # One by reference, in parts, as TensorFlow 1 did by itself for large ones; the others by resource.
            if name != "point":
                return tf1.get_variable(name, initializer=WEIGHTS[name], use_resource=name != "stem")
            parts = tf1.get_variable(
                name,
                shape=WEIGHTS[name].shape,
                initializer=lambda shape, dtype, partition_info: tf.slice(
                    WEIGHTS["point"], partition_info.var_offset, shape
                ),
                partitioner=tf1.fixed_size_partitioner(3, axis=3),
                use_resource=False,
            )
            return tf.convert_to_tensor(parts)

        texts = tf1.placeholder(tf.string, [None], name="image")
        probabilities = network(front(texts), weight)
        labels = tf.tile(tf.constant([LABELS]), [tf.shape(probabilities)[0], 1], name="labels")
        session.run(tf1.global_variables_initializer())
        tf1.saved_model.simple_save(
            session, folder, {"image": texts}, {"prediction": probabilities, "labels": labels}
        )


class Tf2(tf.Module):
    """Functions, captured variables and a loop of TensorFlow 2, on photos as bytes."""

    def __init__(self):
        self.weights = {name: tf.Variable(value, name=name) for name, value in WEIGHTS.items()}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")])
    def serve(self, photos):
        def one(photo):
            pixels = tf.io.decode_image(photo, channels=3, expand_animations=False)
            return tf.image.resize(pixels, [SIDE, SIDE], method="bicubic")

        pixels = tf.map_fn(one, photos, fn_output_signature=tf.TensorSpec([SIDE, SIDE, 3], tf.float32))
        return {"probabilities": self.answer(pixels / 127.5 - 1.0)}

    @tf.function
    def answer(self, x):
        return network(x, lambda name: self.weights[name])


def make_tf2(folder):
    tf1.enable_control_flow_v2()
    model = Tf2()
    tf.saved_model.save(model, folder, signatures=model.serve)
    tf1.disable_control_flow_v2()


def ask(folder, inputs):
    with tf.Graph().as_default(), tf1.Session() as session:
        meta = tf1.saved_model.load(session, ["serve"], folder)
        signature = meta.signature_def["serving_default"]
        (given,) = signature.inputs.values()
        (asked,) = [info for info in signature.outputs.values() if info.dtype == 1]
        return session.run(asked.name, {given.name: inputs})[0].tolist()


def main():
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    png = tf.io.encode_png(photo()).numpy()
    text = base64.urlsafe_b64encode(png)
    golden = {"labels": LABELS, "probabilities": {}}
    for name, front, variables in TF1_MODELS:
        make_tf1(str(ROOT / name), front, variables)
        golden["probabilities"][name] = ask(str(ROOT / name), [text])
    make_tf2(str(ROOT / "tf2-functions"))
    golden["probabilities"]["tf2-functions"] = ask(str(ROOT / "tf2-functions"), [png])
    golden["photo"] = photo().ravel().tolist()
    (ROOT / "golden.json").write_text(json.dumps(golden) + "\n")


main()
