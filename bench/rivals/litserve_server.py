"""LitServe, by default as its documentation writes it; RIVAL_WORKERS and RIVAL_BATCH tune it."""

import sys
from typing import Annotated

import litserve
from classifier import BATCH, BATCH_WAIT_S, WORKERS, Classifier
from fastapi import Body


class PhotoApi(litserve.LitAPI):
    def setup(self, device):
        self.classifier = Classifier()

    def decode_request(self, request: Annotated[bytes, Body(media_type="image/jpeg")]):
        return request

    def predict(self, photo):
        if isinstance(photo, list):
            return self.classifier.answer_batch(photo)
        return self.classifier.answer(photo)

    def batch(self, photos):
        return photos

    def unbatch(self, answers):
        return answers

    def encode_response(self, answer):
        return answer


if __name__ == "__main__":
    tuned = WORKERS > 1
    batching = {"max_batch_size": BATCH, "batch_timeout": BATCH_WAIT_S} if BATCH > 1 else {}
    server = litserve.LitServer(
        PhotoApi(**batching),
        accelerator="cpu",
        workers_per_device=WORKERS,
        fast_queue=tuned,
    )
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        generate_client_file=False,
        **({"log_level": "warning"} if tuned else {}),
    )
