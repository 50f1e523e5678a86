"""Asks TensorFlow's own interpreter about photos: tflite_answers.py MODEL FOLDER PHOTO...

Writes answers.levels (uint8 RGB) and answers.output (float32 rows) into FOLDER and prints true.
"""

import sys
from pathlib import Path

from small_classifiers import photos
from tflite_interpreter import ask

model, folder, paths = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
levels = photos(paths, 224)
levels.tofile(folder / "answers.levels")
ask(model.read_bytes(), levels, None).tofile(folder / "answers.output")
print("true")
