"""Asks a SavedModel about photos, in TensorFlow 2 or in a session as TensorFlow 1 has it.

Usage: saved_model.py REQUEST.json. The request: {"model": folder, "loader": "v2" | "v1", "signature": name,
"batches": [[photo, ...], ...]}, where a photo is {"path": ...} for the bytes of a file or {"text": ...}.
Prints one answer for each batch: labels, scores and probabilities, or {"error": the first words of it}.
"""

import json
import sys

import numpy as np
import tensorflow as tf

request = json.load(open(sys.argv[1]))


def read(photo):
    if "text" in photo:
        return photo["text"].encode()
    with open(photo["path"], "rb") as file:
        return file.read()


def in_tensorflow_2():
    # The loaded object must outlive its functions.
    model = tf.saved_model.load(request["model"])
    answer = model.signatures[request["signature"]]
    (name,) = answer.structured_input_signature[1]
    return lambda photos: (model, {key: value.numpy() for key, value in answer(**{name: tf.constant(photos, tf.string)}).items()})[1]


def in_session():
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        loaded = tf.compat.v1.saved_model.load(session, ["serve"], request["model"])
    signature = loaded.signature_def[request["signature"]]
    (source,) = [info.name for info in signature.inputs.values()]
    outputs = {key: info.name for key, info in signature.outputs.items()}
    return lambda photos: session.run(outputs, {source: np.array(photos, dtype=object)})


answer = in_tensorflow_2() if request["loader"] == "v2" else in_session()
answers = []
for batch in request["batches"]:
    try:
        found = answer([read(photo) for photo in batch])
        answers.append(
            {
                "labels": [[label.decode() for label in row] for row in found["labels"].tolist()],
                "scores": found["scores"].tolist(),
                "probabilities": found["probabilities"].tolist(),
            }
        )
    except tf.errors.OpError as error:
        answers.append({"error": error.message})
json.dump(answers, sys.stdout)
