"""Writes layers models of TensorFlow.js as its converter and the browser do; its own package is large.

The format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts (`ModelJSON`).
"""

import json
import zipfile
from pathlib import Path

import numpy as np

# A shard of this many bytes is small, so that weights lie across the ends of some.
SHARD_BYTES = 4000


def to_keras_2(value):
    """The description of a Keras 3 model in the words of Keras 2, which TensorFlow.js kept."""
    if isinstance(value, list):
        return [to_keras_2(each) for each in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "DTypePolicy":
        return value["config"]["name"]
    left_out = ("module", "registered_name", "build_config", "shared_object_id", "compile_config")
    result = {key: to_keras_2(each) for key, each in value.items() if key not in left_out}
    if result.get("class_name") == "Functional":
        result["class_name"] = "Model"
        for ends in ("input_layers", "output_layers"):
            one = result["config"][ends]
            result["config"][ends] = [one] if isinstance(one[0], str) else one
    if result.get("class_name") == "LeakyReLU":
        result["config"]["alpha"] = result["config"].pop("negative_slope")
    if "batch_shape" in result:
        result["batch_input_shape"] = result.pop("batch_shape")
    if isinstance(value.get("inbound_nodes"), list):
        result["inbound_nodes"] = [to_call(node) for node in value["inbound_nodes"]]
    return result


def to_call(node):
    tensors = []

    def collect(value):
        if isinstance(value, list):
            for each in value:
                collect(each)
        elif isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            tensors.append([*value["config"]["keras_history"], {}])

    collect(node["args"])
    return tensors


def layers_of(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            yield from layers_of(layer)
        else:
            yield layer


def quantize(values, dtype):
    """As the converter does: whole steps between the least and the greatest number."""
    if dtype == "float16":
        return values.astype(np.float16), {"dtype": "float16", "original_dtype": "float32"}
    least, most = float(values.min()), float(values.max())
    scale = (most - least) / np.iinfo(dtype).max or 1.0
    steps = np.round((values - least) / scale).astype(dtype)
    return steps, {"dtype": dtype, "scale": scale, "min": least, "original_dtype": "float32"}


def encode(model, dtype=None):
    """The description with its manifest, and the files of weights by name. Quantized weights replace the model's own."""
    entries, data = [], b""
    for layer in layers_of(model):
        for weight in layer.weights:
            if "seed" in weight.path:
                continue
            values = weight.numpy().astype("<f4")
            entry = {
                "name": f"{layer.name}/{weight.path.split('/')[-1]}",
                "shape": list(values.shape),
                "dtype": "float32",
            }
            if dtype and values.size > 1:
                stored, entry["quantization"] = quantize(values, dtype)
                scale, least = (entry["quantization"].get(key, by) for key, by in (("scale", 1), ("min", 0)))
                weight.assign(stored.astype(np.float32) * scale + least)
                values = stored
            data += values.tobytes()
            entries.append(entry)
    shards = [data[at : at + SHARD_BYTES] for at in range(0, len(data), SHARD_BYTES)]
    paths = [f"group1-shard{at + 1}of{len(shards)}.bin" for at in range(len(shards))]
    topology = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": to_keras_2(json.loads(model.to_json()))}
    description = {
        "format": "layers-model",
        "generatedBy": "keras v2.15.0",
        "convertedBy": None,
        "modelTopology": topology,
        "weightsManifest": [{"paths": paths, "weights": entries}],
    }
    return description, dict(zip(paths, shards))


def write_folder(model, folder, dtype=None):
    description, files = encode(model, dtype)
    Path(folder).mkdir()
    (Path(folder) / "model.json").write_text(json.dumps(description))
    for name, content in files.items():
        (Path(folder) / name).write_bytes(content)


def write_teachable_machine(model, path, labels):
    """The zip that Teachable Machine's page gives: the model as the browser saves it, one file of weights, labels."""
    description, files = encode(model)
    topology = {**description["modelTopology"].pop("model_config"), "keras_version": "tfjs-layers 1.3.1", "backend": "tensor_flow.js"}
    weights = {"paths": ["weights.bin"], "weights": description["weightsManifest"][0]["weights"]}
    metadata = {
        "tfjsVersion": "1.3.1",
        "tmVersion": "2.4.7",
        "packageVersion": "0.8.4-alpha2",
        "packageName": "@teachablemachine/image",
        "timeStamp": "2024-01-01T00:00:00.000Z",
        "userMetadata": {},
        "modelName": "tm-my-image-model",
        "labels": labels,
        "imageSize": 224,
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", json.dumps({"modelTopology": topology, "weightsManifest": [weights]}))
        archive.writestr("metadata.json", json.dumps(metadata))
        archive.writestr("weights.bin", b"".join(files.values()))
