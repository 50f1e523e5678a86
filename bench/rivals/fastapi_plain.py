"""FastAPI as its documentation writes it: a plain function, which FastAPI runs in its thread pool."""

from typing import Annotated

from classifier import Classifier
from fastapi import Body, FastAPI

app = FastAPI()
classifier = Classifier()


@app.post("/predict")
def predict(photo: Annotated[bytes, Body(media_type="image/jpeg")]):
    return classifier.answer(photo)
