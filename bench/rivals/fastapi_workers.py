"""FastAPI with one process per core: no thread pool, and JSON written at once."""

import json

from classifier import Classifier
from fastapi import FastAPI, Request, Response

app = FastAPI()
classifier = Classifier()


@app.post("/predict")
async def predict(request: Request):
    answer = classifier.answer(await request.body())
    return Response(json.dumps(answer), media_type="application/json")
