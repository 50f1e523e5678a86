"""Asks exported ONNX files about photos, in Python's onnxruntime.

Usage: onnx_model.py QUESTIONS.json, a list of {"model": file, "photos": [path, ...]}. A photo is decoded by Pillow,
turned upright, laid over white where it has alpha, and given whole.
Prints, for each question, {"metadata": ..., "answers": [{"probabilities", "scores", "indices"}, ...]}.
"""

import json
import sys

import numpy as np
import onnx
import onnxruntime
from PIL import Image, ImageOps


def read(path):
    photo = ImageOps.exif_transpose(Image.open(path)).convert("RGBA")
    white = Image.new("RGBA", photo.size, "white")
    return np.asarray(Image.alpha_composite(white, photo).convert("RGB"))


def answers_to(question):
    onnx.checker.check_model(question["model"], full_check=True)
    session = onnxruntime.InferenceSession(question["model"], providers=["CPUExecutionProvider"])
    outputs = ["probabilities", "scores", "indices"]
    answers = []
    for path in question["photos"]:
        values = session.run(outputs, {"image": read(path)[None]})
        answers.append({name: value[0].tolist() for name, value in zip(outputs, values)})
    return {"metadata": session.get_modelmeta().custom_metadata_map, "answers": answers}


with open(sys.argv[1]) as file:
    questions = json.load(file)
json.dump([answers_to(question) for question in questions], sys.stdout)
