"""Saves classifiers of Keras in FOLDER in every form that holds a whole model, and their answers about the photos named.

Writes <name>.levels (uint8 RGB), the models and <name>.output (float32 rows); prints {file: {levels, output, rescales}}.
Usage: keras_graphs.py FOLDER PHOTO...
"""

import json
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

from small_classifiers import CLASSIFIERS, build, photos, shake
from tensorflow_js import to_keras_2, write_folder, write_teachable_machine

FOLDER, PATHS = Path(sys.argv[1]), sys.argv[2:]
made = {}


def answer(name, model, levels, scaled):
    model.predict(scaled, verbose=0).astype("<f4").tofile(FOLDER / f"{name}.output")
    return {"levels": levels, "output": f"{name}.output"}


def write(name, model):
    size = model.input_shape[1]
    levels = photos(PATHS, size)
    levels.tofile(FOLDER / f"{name}.levels")
    rescales = any("rescaling" in layer.name for layer in model.layers)
    scaled = levels.astype(np.float32) if rescales else levels.astype(np.float32) / 127.5 - 1
    known = {**answer(name, model, f"{name}.levels", scaled), "rescales": rescales}
    for form in ("keras", "h5"):
        model.save(FOLDER / f"{name}.{form}")
        made[f"{name}.{form}"] = known
    # Keras 2 has another hard sigmoid.
    if name == "squeezing":
        return
    model.save(FOLDER / f"{name}-old.h5")
    with h5py.File(FOLDER / f"{name}-old.h5", "r+") as file:
        file.attrs["model_config"] = json.dumps(to_keras_2(json.loads(file.attrs["model_config"])))
    made[f"{name}-old.h5"] = known
    write_folder(model, FOLDER / f"{name}-js")
    made[f"{name}-js"] = known
    for dtype in ("float16", "uint16", "uint8"):
        write_folder(model, FOLDER / f"{name}-js-{dtype}", dtype)
        output = answer(f"{name}-js-{dtype}", model, f"{name}.levels", scaled)
        made[f"{name}-js-{dtype}"] = {**output, "rescales": rescales}


def write_teachable():
    """What Teachable Machine trains: a part of MobileNetV2 that ends in the mean over positions, and two dense layers."""
    base = keras.applications.MobileNetV2(weights=None, alpha=0.35, include_top=False, input_shape=(224, 224, 3))
    top = keras.Sequential(
        [layers.Input((1280,)), layers.Dense(100, activation="relu"), layers.Dense(3, use_bias=False, activation="softmax")]
    )
    front = keras.Sequential([layers.Input((224, 224, 3)), base, layers.GlobalAveragePooling2D()])
    model = keras.Sequential([layers.Input((224, 224, 3)), front, top])
    shake(model)
    levels = photos(PATHS, 224)
    levels.tofile(FOLDER / "teachable.levels")
    known = answer("teachable", model, "teachable.levels", levels.astype(np.float32) / 127 - 1)
    write_teachable_machine(model, FOLDER / "teachable.zip", ["Apple", "Pear", "Neither"])
    made["teachable.zip"] = {**known, "rescales": False}


for make in CLASSIFIERS:
    write(make.__name__, build(make))
keras.utils.set_random_seed(1)
mobilenet = keras.applications.MobileNetV2(weights=None, alpha=0.35, input_shape=(96, 96, 3))
shake(mobilenet)
write("mobilenet", mobilenet)
write_teachable()
json.dump(made, sys.stdout)
