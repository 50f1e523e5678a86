"""Writes what other libraries say of small problems, for the tests beside the code:

    src/learn/golden-learn.json       scikit-learn and NumPy: regression, distances, directions, decompositions
    src/tensor/golden-tensor.json     NumPy and safetensors: half precision, files
    src/features/golden-views.json    onnxruntime on the graph for photos of another side

    pip install -r scripts/golden-learn/requirements.txt
    python scripts/golden-learn/make_golden.py
    npx biome format --write src/learn/golden-learn.json src/tensor/golden-tensor.json src/features/golden-views.json

Inputs are drawn from the generator of src/learn/random.ts, which both sides have, so that the files hold answers only.
"""

import base64
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from PIL import Image
from safetensors.numpy import load, save
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).parents[2]
MASK = 2**32 - 1


def mix(state):
    """splitmix32's finaliser."""
    state ^= state >> 16
    state = state * 0x85EBCA6B & MASK
    state ^= state >> 13
    state = state * 0xC2B2AE35 & MASK
    return state ^ state >> 16


class Random:
    """`createRandom`: sfc32 seeded by splitmix32."""

    def __init__(self, seed):
        low, high = seed & MASK, (seed >> 32) & MASK
        first, second = (
            [mix(start + i * 0x9E3779B9 & MASK) for i in (1, 2)] for start in (low, high)
        )
        self.state = first[0], second[0], first[1] + second[1] & MASK, 1
        for _ in range(12):
            self.next32()

    def next32(self):
        a, b, c, counter = self.state
        drawn = a + b + counter & MASK
        self.state = (
            b ^ b >> 9,
            c + (c << 3) & MASK,
            (c << 21 | c >> 11) + drawn & MASK,
            counter + 1 & MASK,
        )
        return drawn

    def next(self):
        upper, lower = self.next32() >> 5, self.next32() >> 6
        return (upper * 2**26 + lower) / 2**53

    def matrix(self, rows, columns):
        """Bell-shaped around 0 with variance 1/4: `drawMatrix` of the tests."""
        values = [self.next() + self.next() + self.next() - 1.5 for _ in range(rows * columns)]
        return np.array(values).reshape(rows, columns).astype(np.float32).astype(np.float64)


def labelled(random, rows, width, classes, skill):
    """Rows around one centre for each class, the classes taking turns: `drawLabelled` of the tests."""
    centres = random.matrix(classes, width)
    labels = np.arange(rows) % classes
    features = random.matrix(rows, width) + skill * centres[labels]
    return features.astype(np.float32).astype(np.float64), labels


def softmax_cases():
    for name, rows, width, classes, l2, weighted in (
        ("four classes", 80, 6, 4, 1e-2, False),
        ("weak penalty", 80, 6, 4, 1e-4, False),
        ("strong penalty", 80, 6, 4, 1.0, False),
        ("weighted rows, some of them 0", 90, 5, 3, 1e-2, True),
        ("two classes", 60, 4, 2, 1e-2, False),
        ("fewer rows than features", 20, 40, 4, 1e-2, False),
    ):
        x, y = labelled(Random(1), rows, width, classes, 1.5)
        weights = np.arange(rows) % 4 / 2 if weighted else np.ones(rows)
        # Two classes have one vector in scikit-learn, whose halves are ours: half the squared length.
        share = 2 if classes == 2 else 1
        model = LogisticRegression(
            C=share / (weights.sum() * l2), tol=1e-12, max_iter=100_000
        ).fit(x, y, sample_weight=weights)
        coefficients, intercept = model.coef_, model.intercept_
        if classes == 2:
            coefficients = np.concatenate([-coefficients, coefficients]) / 2
            intercept = np.concatenate([-intercept, intercept]) / 2
        logits = x @ coefficients.T + intercept
        shifted = logits - logits.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - shifted[np.arange(rows), y]
        yield {
            "name": name,
            "rows": rows,
            "width": width,
            "classes": classes,
            "l2": l2,
            "isWeighted": weighted,
            # [width, classes], as ours.
            "weights": coefficients.T.round(6).ravel().tolist(),
            "bias": intercept.round(6).tolist(),
            "value": np.average(losses, weights=weights) + l2 / 2 * (coefficients**2).sum(),
        }


SHRINKAGE = 0.1


def unit(rows):
    """In single precision, as features are."""
    lengths = np.sqrt((rows**2).sum(axis=1, keepdims=True))
    return (rows / lengths).astype(np.float32).astype(np.float64)


def rejection_cases():
    """Relative Mahalanobis distance by its definition, with explicit inverses in double precision."""
    for name, rows, width, classes, dimensions in (
        ("more rows than dimensions", 120, 10, 4, 10),
        ("fewer rows than dimensions", 12, 30, 3, 11),
        ("one photo of each label", 6, 20, 6, 5),
    ):
        random = Random(2)
        features, labels = labelled(random, rows, width, classes, 3.0)
        x = unit(features)
        strange = unit(random.matrix(10, width))
        mean = x.mean(axis=0)
        _, _, directions = np.linalg.svd(x - mean)
        basis = directions[:dimensions].T
        z = (x - mean) @ basis
        means = np.array([z[labels == label].mean(axis=0) for label in range(classes)])
        gaps = z - means[labels]
        within = gaps.T @ gaps / rows
        between = z.T @ z / rows - within
        spread = np.trace(within) / dimensions
        # Where labels have one photo each nothing tells how they scatter.
        spread = spread if spread > 1e-12 else 1e-6
        within = (1 - SHRINKAGE) * within + SHRINKAGE * spread * np.eye(dimensions)
        inverse = np.linalg.inv(within)
        background = np.linalg.inv(within + between)

        def distance(photo):
            place = (photo - mean) @ basis
            own = min((place - each) @ inverse @ (place - each) for each in means)
            return own - place @ background @ place

        yield {
            "name": name,
            "rows": rows,
            "width": width,
            "classes": classes,
            "dimensions": dimensions,
            "known": [distance(photo) for photo in x[:10]],
            "strange": [distance(photo) for photo in strange],
        }


def direction_cases():
    for name, rows, width, count, decay in (
        ("a spectrum that falls", 100, 24, 5, 0.7),
        ("fewer rows than features", 8, 24, 7, 0.9),
    ):
        x = Random(3).matrix(rows, width) * decay ** np.arange(width) + 1
        x = x.astype(np.float32).astype(np.float64)
        _, _, directions = np.linalg.svd(x - x.mean(axis=0))
        yield {
            "name": name,
            "rows": rows,
            "width": width,
            "count": count,
            "decay": decay,
            "directions": directions[:count].T.round(9).ravel().tolist(),
        }


def decomposition_cases():
    random = Random(4)
    square = random.matrix(12, 12)
    few = random.matrix(12, 3)
    for name, matrix in (
        ("full rank", square @ square.T),
        ("both signs", square + square.T),
        ("rank 3", few @ few.T),
        ("equal eigenvalues", 2 * np.eye(5) + np.ones((5, 5))),
        ("no diagonal", np.array([[0.0, 1, 0], [1, 0, 2], [0, 2, 0]])),
        ("zero", np.zeros((4, 4))),
        ("one number", np.array([[-3.0]])),
        ("scales far apart", np.diag([1e-8, 1.0, 1e8]) + 1e-9),
    ):
        values = np.linalg.eigvalsh(matrix)[::-1]
        is_definite = values[-1] > 1e-6 * abs(values[0])
        yield {
            "name": name,
            "n": len(matrix),
            "matrix": matrix.ravel().tolist(),
            "values": values.tolist(),
            **({"lower": np.linalg.cholesky(matrix).ravel().tolist()} if is_definite else {}),
        }


def half_golden():
    halves = np.arange(2**16, dtype=np.uint16)
    decoded = halves.view(np.float16).astype(np.float32)
    bits = decoded.view(np.uint32).copy()
    bits[np.isnan(decoded)] = 0x7FC00000

    # Bit patterns that reach every exponent, and around each half and each middle between two.
    spread = (np.arange(2**18, dtype=np.uint64) * 2654435761 % 2**32).astype(np.uint32)
    positive = decoded[:0x7C00].astype(np.float64)
    middles = ((positive[:-1] + positive[1:]) / 2).astype(np.float32).view(np.uint32)
    exact = decoded[1:0x7C00].view(np.uint32)
    around = [each.astype(np.int64) + step for each in (exact, middles) for step in (-1, 0, 1)]
    near = np.concatenate(around).astype(np.uint32)
    inputs = np.concatenate([spread, near, near | np.uint32(0x80000000)]).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        encoded = inputs.astype(np.float16).view(np.uint16).copy()
    encoded[np.isnan(inputs)] = 0x7E00
    return {
        "decoded": hashlib.sha256(bits.tobytes()).hexdigest(),
        "encoded": hashlib.sha256(encoded.tobytes()).hexdigest(),
        "encodedCount": len(inputs),
    }


def file_golden():
    """A file that the package wrote, and the bytes that ours must be, which the package reads."""
    tensors = {
        "weights": np.array([[1.5, -2.25, 1e-30], [3e38, 0.1, -0.0]], dtype=np.float32),
        "half": np.array([0.5, 65504, 6e-8, -1], dtype=np.float16),
        "größe": np.array([7], dtype=np.float32),
        "empty": np.zeros((0, 3), dtype=np.float32),
        "scalar": np.array(2.5, dtype=np.float32),
    }
    header, body = {}, b""
    for name in sorted(tensors):
        value = tensors[name]
        places = [len(body), len(body) + value.nbytes]
        dtype = {"float32": "F32", "float16": "F16"}[str(value.dtype)]
        header[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": places}
        body += value.tobytes()
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    ours = len(text).to_bytes(8, "little") + text + body
    for name, value in load(ours).items():
        assert value.tobytes() == tensors[name].tobytes() and value.shape == tensors[name].shape
    assert len(load(ours)) == len(tensors)
    return {
        "theirs": base64.b64encode(save(tensors, metadata={"made": "elsewhere"})).decode(),
        "ours": base64.b64encode(ours).decode(),
        "values": {
            name: {"dims": list(value.shape), "data": value.astype(np.float64).ravel().tolist()}
            for name, value in tensors.items()
        },
    }


def view_cases():
    """The published model with another side, patched by the onnx package."""
    photo = np.asarray(Image.open(ROOT / "test/fixtures/photos/rgb.png").convert("RGB"))
    for size in (96, 288):
        model = onnx.load(ROOT / "weights/efficientnet-lite0.onnx")
        for constant in model.graph.initializer:
            if constant.name in ("size_2", "size_3"):
                constant.raw_data = np.int64(size).tobytes()
        session = onnxruntime.InferenceSession(model.SerializeToString())
        (features,) = session.run(["features"], {"image": photo[None]})
        yield {"size": size, "features": features[0].astype(float).round(4).tolist()}


def write(path, golden):
    (ROOT / path).write_text(json.dumps(golden, ensure_ascii=False) + "\n")
    print(f"{path}: {(ROOT / path).stat().st_size} bytes")


def main():
    write(
        "src/learn/golden-learn.json",
        {
            "softmax": list(softmax_cases()),
            "rejection": list(rejection_cases()),
            "directions": list(direction_cases()),
            "decompositions": list(decomposition_cases()),
        },
    )
    write("src/tensor/golden-tensor.json", {"float16": half_golden(), "file": file_golden()})
    write("src/features/golden-views.json", list(view_cases()))


if __name__ == "__main__":
    main()
