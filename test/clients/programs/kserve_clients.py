"""KServe's own clients, v1 and v2 over HTTP, and gRPC: argv is the URL, the address of gRPC and a photo."""
import asyncio
import base64
import json
import sys

import numpy
from kserve import InferenceGRPCClient, InferenceRESTClient, InferInput, InferRequest
from kserve.inference_client import RESTConfig

url, address, photo_path = sys.argv[1:]
photo = open(photo_path, "rb").read()
text = base64.b64encode(photo).decode()


def tensor(data, name="image_base64"):
    return InferInput(name=name, shape=[1], datatype="BYTES", data=data)


def probabilities(response):
    output = next(each for each in response.outputs if each.name == "probabilities")
    return [float(each) for each in output.as_numpy()[0]]


async def refusal(awaitable):
    try:
        await awaitable
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


async def main():
    found = {}
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        answer = await client.infer(url, {"instances": [{"b64": text}]}, model_name="fruits")
        found["v1"] = {
            "live": await client.is_server_live(url, headers={"accept": "application/json"}),
            "ready": await client.is_model_ready(url, "fruits"),
            "probabilities": answer["predictions"][0]["probabilities"],
            "refused": await refusal(client.infer(url, {"instances": [1]}, model_name="fruits")),
            "explain": await refusal(client.explain(url, "fruits", {"instances": [text]})),
        }
    async with InferenceRESTClient(RESTConfig(protocol="v2")) as client:
        request = InferRequest("fruits", [tensor([text])], request_id="a7")
        answer = await client.infer(url, request, model_name="fruits")
        raw = tensor(None, "image_bytes")
        raw.set_data_from_numpy(numpy.array([photo], dtype=object), binary_data=True)
        binary = await client.infer(url, InferRequest("fruits", [raw]), model_name="fruits")
        found["v2"] = {
            "live": await client.is_server_live(url),
            "server_ready": await client.is_server_ready(url),
            "ready": await client.is_model_ready(url, "fruits"),
            "other_ready": await client.is_model_ready(url, "pears"),
            "id": answer.id,
            "probabilities": probabilities(answer),
            "binary": probabilities(binary),
            "refused": await refusal(client.infer(url, InferRequest("fruits", [tensor(["!"])]), model_name="fruits")),
        }
    async with InferenceGRPCClient(address) as client:
        request = InferRequest("fruits", [tensor([photo], "image_bytes")], request_id="a7")
        answer = await client.infer(request)
        found["grpc"] = {
            "live": await client.is_server_live(),
            "server_ready": await client.is_server_ready(),
            "ready": await client.is_model_ready("fruits"),
            "id": answer.id,
            "probabilities": probabilities(answer),
            "refused": await refusal(client.infer(InferRequest("pears", [tensor([photo], "image_bytes")]))),
        }
    print(json.dumps(found))


asyncio.run(main())
