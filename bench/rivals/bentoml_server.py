"""BentoML, by default as its documentation writes it; RIVAL_WORKERS and RIVAL_BATCH tune it."""

import bentoml
from classifier import BATCH, BATCH_WAIT_S, WORKERS, Classifier
from PIL.Image import Image

TUNED = {"workers": WORKERS, "metrics": {"enabled": False}, "logging": {"access": {"enabled": False}}}


@bentoml.service(**(TUNED if WORKERS > 1 else {}))
class PhotoService:
    def __init__(self):
        self.classifier = Classifier()

    if BATCH > 1:

        @bentoml.api(batchable=True, max_batch_size=BATCH, max_latency_ms=60_000)
        def predict(self, photos: list[Image]) -> list[list]:
            return self.classifier.answer_batch(photos)

    else:

        @bentoml.api
        def predict(self, photo: Image, /) -> list:
            return self.classifier.answer(photo)
