"""FastAPI in one process with as many threads as cores, which share one session: one queue for all connections."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

from classifier import WORKERS, Classifier
from fastapi import FastAPI, Request, Response

app = FastAPI()
classifier = Classifier()
threads = ThreadPoolExecutor(WORKERS)


@app.post("/predict")
async def predict(request: Request):
    photo = await request.body()
    loop = asyncio.get_running_loop()
    answer = await loop.run_in_executor(threads, classifier.answer, photo)
    return Response(json.dumps(answer), media_type="application/json")
