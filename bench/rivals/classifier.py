"""What every rival computes for a photo: Pillow's pixels, the same ONNX file, the five best labels."""

import io
import json
import os

import numpy
import onnxruntime
from PIL import Image

MODEL = os.environ["RIVAL_MODEL"]
LABELS = os.environ["RIVAL_LABELS"]
# 0 leaves it to ONNX Runtime: one thread per core for each session.
THREADS = int(os.environ.get("RIVAL_THREADS", "0"))
WORKERS = int(os.environ.get("RIVAL_WORKERS", "1"))
BATCH = int(os.environ.get("RIVAL_BATCH", "1"))
BATCH_WAIT_S = 0.005
TOP = 5


class Classifier:
    def __init__(self):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(
            MODEL, options, providers=["CPUExecutionProvider"]
        )
        with open(LABELS, encoding="utf-8") as file:
            self.labels = json.load(file)

    def answer(self, photo):
        (logits,) = self.session.run(["logits"], {"image": pixels_of(photo)[None]})
        return self.name(logits[0])

    def answer_batch(self, photos):
        """One run for photos of one size, else one for each."""
        pixels = [pixels_of(photo) for photo in photos]
        if len({each.shape for each in pixels}) == 1:
            (logits,) = self.session.run(["logits"], {"image": numpy.stack(pixels)})
        else:
            logits = [self.session.run(["logits"], {"image": each[None]})[0][0] for each in pixels]
        return [self.name(each) for each in logits]

    def name(self, logits):
        powers = numpy.exp(logits - logits.max())
        scores = powers / powers.sum()
        best = numpy.argpartition(-scores, TOP)[:TOP]
        best = best[numpy.argsort(-scores[best])]
        return [{"label": self.labels[i], "score": float(scores[i])} for i in best]


def pixels_of(photo):
    image = Image.open(io.BytesIO(photo)) if isinstance(photo, bytes) else photo
    return numpy.asarray(image.convert("RGB"))
