"""One photo named by Keras's InceptionV3, as a script of a few lines does it.

Usage: keras-predict.py WEIGHTS PHOTO
"""

import sys

import keras
import numpy as np
from PIL import Image

weights, photo = sys.argv[1:]
model = keras.applications.InceptionV3(weights=weights)
pixels = np.asarray(Image.open(photo).convert("RGB").resize((299, 299), Image.Resampling.BICUBIC), np.float32)
scores = model.predict(keras.applications.inception_v3.preprocess_input(pixels[None]), verbose=0)[0]
for index in scores.argsort()[::-1][:5]:
    print(f"Score {scores[index]}, Class {index}")
