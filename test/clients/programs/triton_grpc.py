"""tritonclient over gRPC: argv is the address, a photo as a file and its pixels as a raw file with their height and width."""
import base64
import json
import queue
import sys

import numpy as np
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

address, photo_path, pixels_path, height, width = sys.argv[1:]
photo = open(photo_path, "rb").read()
pixels = np.fromfile(pixels_path, dtype=np.uint8).reshape(1, int(height), int(width), 3)
client = triton.InferenceServerClient(address)
probabilities = {}


def input_of(name, array, datatype):
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array)
    return tensor


def infer(way, tensor, **options):
    result = client.infer("fruits", [tensor], **options)
    probabilities[way] = result.as_numpy("probabilities")[0].tolist()
    return result


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


files = np.array([photo], dtype=object)
first = infer("bytes", input_of("image_bytes", files, "BYTES"), request_id="a7")
infer("text", input_of("image_base64", np.array([base64.b64encode(photo)], dtype=object), "BYTES"))
infer("bytes, gzip", input_of("image_bytes", files, "BYTES"), compression_algorithm="gzip")
infer("bytes, deflate", input_of("image_bytes", files, "BYTES"), compression_algorithm="deflate")
infer("a version by number", input_of("image_bytes", files, "BYTES"), model_version="1")
infer("pixels", input_of("image", pixels, "UINT8"))
infer("float pixels", input_of("image", pixels.astype(np.float32), "FP32"))

answers = queue.Queue()
client.start_stream(lambda result, error: answers.put((result, error)))
for number in range(3):
    model = "pears" if number == 1 else "fruits"
    client.async_stream_infer(model, [input_of("image_bytes", files, "BYTES")], request_id=str(number))
stream = []
for _ in range(3):
    result, error = answers.get(timeout=30)
    stream.append(str(error) if error else result.get_response().id)
    if result:
        probabilities["a stream"] = result.as_numpy("probabilities")[0].tolist()
client.stop_stream()

classes = client.infer(
    "fruits",
    [input_of("image_bytes", files, "BYTES")],
    outputs=[triton.InferRequestedOutput("scores", class_count=2)],
)
client.load_model("fruits")
loaded = client.get_model_repository_index(as_json=True)
statistics = client.get_inference_statistics("fruits", "v1", as_json=True)
client.unload_model("fruits")

print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready("fruits", "v2"),
            "server": client.get_server_metadata(as_json=True),
            "model": client.get_model_metadata("fruits", as_json=True),
            "config": client.get_model_config("fruits", as_json=True),
            "id": first.get_response().id,
            "version": first.get_response().model_version,
            "labels": [label.decode() for label in first.as_numpy("labels")[0]],
            "classes": [[each.decode() for each in row] for row in classes.as_numpy("scores")],
            "loaded": loaded,
            "statistics": statistics,
            "stream": stream,
            "probabilities": probabilities,
            "refused": {
                "model": refusal(lambda: client.infer("pears", [input_of("image_bytes", files, "BYTES")])),
                "input": refusal(lambda: client.infer("fruits", [input_of("x", files, "BYTES")])),
                "memory": refusal(client.get_system_shared_memory_status),
                "late": refusal(lambda: client.infer("fruits", [input_of("image_bytes", files, "BYTES")], client_timeout=0.0005)),
            },
        }
    )
)
