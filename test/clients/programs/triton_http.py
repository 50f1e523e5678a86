"""tritonclient over HTTP: argv is the address, a photo as a file and its pixels as a raw file with their height and width."""
import base64
import json
import sys

import numpy as np
import tritonclient.http as triton
from tritonclient.utils import InferenceServerException

address, photo_path, pixels_path, height, width = sys.argv[1:]
photo = open(photo_path, "rb").read()
pixels = np.fromfile(pixels_path, dtype=np.uint8).reshape(1, int(height), int(width), 3)
client = triton.InferenceServerClient(address)
probabilities = {}


def input_of(name, array, datatype, binary=True):
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def infer(way, tensor, outputs=None, **options):
    result = client.infer("fruits", [tensor], outputs=outputs, **options)
    probabilities[way] = result.as_numpy("probabilities")[0].tolist()
    return result


def refusal(call):
    try:
        call()
    except InferenceServerException as error:
        return {"status": error.status(), "message": error.message()}
    return None


files = np.array([photo], dtype=object)
text = np.array([base64.b64encode(photo)], dtype=object)
wanted = [triton.InferRequestedOutput("probabilities", binary_data=False)]
first = infer("bytes", input_of("image_bytes", files, "BYTES"), request_id="a7")
infer("text in JSON", input_of("image_base64", text, "BYTES", False), wanted)
infer("bytes, gzip", input_of("image_bytes", files, "BYTES"), request_compression_algorithm="gzip")
infer("bytes, deflate", input_of("image_bytes", files, "BYTES"), request_compression_algorithm="deflate")
infer("answer, gzip", input_of("image_bytes", files, "BYTES"), response_compression_algorithm="gzip")
infer("a version", input_of("image_bytes", files, "BYTES"), model_version="v1")
infer("a version by number", input_of("image_bytes", files, "BYTES"), model_version="1")
infer("pixels", input_of("image", pixels, "UINT8"))
infer("pixels in JSON", input_of("image", pixels, "UINT8", False), wanted)
infer("float pixels", input_of("image", pixels.astype(np.float32), "FP32"))
planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
infer("planes", input_of("image", planes, "UINT8"))
waiting = client.async_infer("fruits", [input_of("image_bytes", files, "BYTES")])
probabilities["later"] = waiting.get_result().as_numpy("probabilities")[0].tolist()

classes = client.infer(
    "fruits",
    [input_of("image_bytes", np.array([photo, photo], dtype=object), "BYTES")],
    outputs=[triton.InferRequestedOutput("probabilities", class_count=2)],
)
client.load_model("fruits")
loaded = client.get_model_repository_index()
client.unload_model("fruits")

print(
    json.dumps(
        {
            "live": client.is_server_live(),
            "ready": client.is_server_ready(),
            "model_ready": client.is_model_ready("fruits", "v2"),
            "other_ready": client.is_model_ready("pears"),
            "server": client.get_server_metadata(),
            "model": client.get_model_metadata("fruits"),
            "config": client.get_model_config("fruits"),
            "id": first.get_response()["id"],
            "version": first.get_response()["model_version"],
            "labels": [label.decode() for label in first.as_numpy("labels")[0]],
            "classes": [[each.decode() for each in row] for row in classes.as_numpy("probabilities")],
            "loaded": loaded,
            "statistics": client.get_inference_statistics("fruits", "v1"),
            "probabilities": probabilities,
            "refused": {
                "model": refusal(lambda: client.infer("pears", [input_of("image_bytes", files, "BYTES")])),
                "input": refusal(lambda: client.infer("fruits", [input_of("x", files, "BYTES")])),
                "photo": refusal(lambda: client.infer("fruits", [input_of("image_bytes", np.array([b"?"], dtype=object), "BYTES")])),
                "memory": refusal(client.get_system_shared_memory_status),
                "trace": refusal(client.get_trace_settings),
                "logging": refusal(client.get_log_settings),
            },
        }
    )
)
