"""Converts classifiers of Keras by tf.lite into FOLDER and asks TensorFlow's own interpreter about the photos named.

Writes <name>.levels (uint8 RGB), <name>-<kind>.tflite and .output (float32 rows); prints {name-kind: {levels, kind,
rescales}} as JSON, where `rescales` tells whether the graph reads levels and not -1 to 1.
Usage: tflite_models.py FOLDER small|mobilenet PHOTO...
"""

import json
import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from small_classifiers import CLASSIFIERS, build, photos, shake
from tflite_interpreter import ask

# The converter prints what it did where the JSON should be.
ANSWER, sys.stdout = sys.stdout, sys.stderr
FOLDER, WHICH, PATHS = Path(sys.argv[1]), sys.argv[2], sys.argv[3:]
# Kinds of conversion: float, float16 weights, 8-bit weights alone, everything in 8 bit.
KINDS = ["float", "float16", "dynamic", "int8", "uint8"]


def convert(model, kind, samples):
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if kind == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if kind in ("int8", "uint8"):
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if kind == "uint8":
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.uint8
    return converter.convert()


def write(name, model, kinds=KINDS):
    size = model.input_shape[1]
    levels = photos(PATHS, size)
    # What is not rescaled inside takes -1 to 1.
    rescales = any("rescaling" in layer.name for layer in model.layers)
    scaled = (lambda photo: photo.astype(np.float32)) if rescales else to_one
    levels.tofile(FOLDER / f"{name}.levels")
    for kind in kinds:
        content = convert(model, kind, [scaled(photo) for photo in levels[:16]])
        (FOLDER / f"{name}-{kind}.tflite").write_bytes(content)
        ask(content, levels, scaled).tofile(FOLDER / f"{name}-{kind}.output")
        made[f"{name}-{kind}"] = {"levels": f"{name}.levels", "kind": kind, "rescales": rescales}


def to_one(photo):
    return photo.astype(np.float32) / 127.5 - 1


made = {}
if WHICH == "small":
    for make in CLASSIFIERS:
        write(make.__name__, build(make))
else:
    keras.utils.set_random_seed(1)
    # Logits, as a thousand probabilities of random weights are all the same in 8 bit.
    mobilenet = keras.applications.MobileNetV2(weights=None, classifier_activation=None)
    shake(mobilenet)
    write("mobilenet", mobilenet, KINDS[:4])
json.dump(made, ANSWER)
