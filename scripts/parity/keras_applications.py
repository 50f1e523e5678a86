"""Builds a network of keras.applications with random weights, saves it in every layout and says what it makes of photos.

Usage: keras_applications.py mobilenet-v2|inception-v3 FOLDER INNER PHOTO... Leaves in FOLDER:
  weights.h5        weights alone, as the official files have them (HDF5 with attributes that list them)
  model.h5          the whole model in the same layout
  weights3.h5       weights alone in the layout of Keras 3 (renamed from .weights.h5)
  model.keras       the whole model as Keras 3 writes it
  no-top.h5         weights of the network without its classifier, as the official files without top
  pixels.u8         the photos [n, size, size, 3], squashed by Pillow's bicubic filter
  input.f32         the same behind Keras's own preprocess_input
  features.f32, logits.f32, inner.f32   what Keras computes of them: the mean over positions for the layer INNER
"""

import sys
from pathlib import Path

import h5py
import keras
import numpy as np
from keras.src.legacy.saving import legacy_h5_format
from PIL import Image

MODELS = {
    "mobilenet-v2": (keras.applications.MobileNetV2, keras.applications.mobilenet_v2, 224),
    "inception-v3": (keras.applications.InceptionV3, keras.applications.inception_v3, 299),
}
architecture, folder, inner, *photos = sys.argv[1:]
folder = Path(folder)
build, module, size = MODELS[architecture]
random = np.random.default_rng(20)
keras.utils.set_random_seed(20)

# The official files were not made by the first model of their process: their numbers do not start at 0.
keras.layers.Conv2D(1, 1), keras.layers.BatchNormalization()
model = build(weights=None, classifier_activation=None)

# Statistics of batch norm that leave nothing as it is.
DRAWS = {
    "gamma": lambda shape: random.uniform(0.7, 1.4, shape),
    "beta": lambda shape: random.normal(0, 0.3, shape),
    "bias": lambda shape: random.normal(0, 0.3, shape),
    "moving_mean": lambda shape: random.normal(0, 0.3, shape),
    "moving_variance": lambda shape: random.uniform(0.5, 1.5, shape),
}
for layer in model.layers:
    for weight in layer.weights:
        draw = DRAWS.get(weight.path.split("/")[-1])
        if draw is not None:
            weight.assign(draw(weight.shape))

model.save_weights(folder / "keras.weights.h5")
(folder / "keras.weights.h5").rename(folder / "weights3.h5")
model.save(folder / "model.h5")
model.save(folder / "model.keras")
with h5py.File(folder / "weights.h5", "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, model)
with h5py.File(folder / "no-top.h5", "w") as file:
    legacy_h5_format.save_weights_to_hdf5_group(file, keras.Model(model.input, model.layers[-3].output))

squashed = [Image.open(photo).convert("RGB").resize((size, size), Image.Resampling.BICUBIC) for photo in photos]
pixels = np.stack([np.asarray(photo) for photo in squashed])
levels = module.preprocess_input(pixels.astype(np.float32))
pixels.tofile(folder / "pixels.u8")
levels.tofile(folder / "input.f32")

outputs = [model.layers[-2].output, model.output, model.get_layer(inner).output]
features, logits, inside = keras.Model(model.input, outputs).predict(levels, batch_size=4, verbose=0)
features.tofile(folder / "features.f32")
logits.tofile(folder / "logits.f32")
inside.mean(axis=(1, 2)).tofile(folder / "inner.f32")
print("{}")
