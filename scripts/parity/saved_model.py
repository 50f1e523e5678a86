"""Asks SavedModels about photos, in TensorFlow 2 or in a session as TensorFlow 1 has it.

Usage: saved_model.py QUESTIONS.json, a list of {"model": folder, "loader": "v2" | "v1", "signature": name,
"batches": [[photo, ...], ...]}, where a photo is {"path": ...} for the bytes of a file or {"text": ...}.
Prints, for each question, one answer for each batch: labels, scores and probabilities, or {"error": ...}.
"""

import json
import sys

import numpy as np
import tensorflow as tf


def read(photo):
    if "text" in photo:
        return photo["text"].encode()
    with open(photo["path"], "rb") as file:
        return file.read()


def in_tensorflow_2(question):
    model = tf.saved_model.load(question["model"])
    function = model.signatures[question["signature"]]
    (name,) = function.structured_input_signature[1]

    def answer(photos):
        assert model is not None  # a function lives as long as the object that it belongs to
        return {key: value.numpy() for key, value in function(**{name: tf.constant(photos, tf.string)}).items()}

    return answer


def in_session(question):
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], question["model"])
    signature = loaded.signature_def[question["signature"]]
    (source,) = [info.name for info in signature.inputs.values()]
    outputs = {key: info.name for key, info in signature.outputs.items()}
    return lambda photos: session.run(outputs, {source: np.array(photos, dtype=object)})


def answers_to(question):
    answer = in_tensorflow_2(question) if question["loader"] == "v2" else in_session(question)
    for batch in question["batches"]:
        try:
            found = answer([read(photo) for photo in batch])
        except tf.errors.OpError as error:
            yield {"error": error.message}
            continue
        yield {
            "labels": [[label.decode() for label in row] for row in found["labels"].tolist()],
            "scores": found["scores"].tolist(),
            "probabilities": found["probabilities"].tolist(),
        }


with open(sys.argv[1]) as file:
    questions = json.load(file)
json.dump([list(answers_to(question)) for question in questions], sys.stdout)
