"""Photos per second of a model on constant pixels, by Python's onnxruntime.

Usage: raw-forward.py MODEL SIZE SECONDS THREADS
"""

import sys
import time

import numpy as np
import onnxruntime

model, size, seconds, threads = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
image = (np.arange(size * size * 3) % 251).astype(np.uint8).reshape(1, size, size, 3)
for _ in range(20):
    session.run(["logits"], {"image": image})
start, count = time.perf_counter(), 0
while time.perf_counter() - start < seconds:
    session.run(["logits"], {"image": image})
    count += 1
print(count / (time.perf_counter() - start))
