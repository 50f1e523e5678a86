"""Times scikit-learn's LogisticRegressionCV on features that Verger computed: python3 bench/scikit-learn.py F.f32 L.i32"""

import json
import sys
import time

import numpy
from sklearn.linear_model import LogisticRegressionCV

labels = numpy.fromfile(sys.argv[2], dtype=numpy.int32)
features = numpy.fromfile(sys.argv[1], dtype=numpy.float32).reshape(len(labels), -1)
features /= numpy.linalg.norm(features, axis=1, keepdims=True)
features -= features.mean(axis=0)
features /= numpy.sqrt((features**2).sum(axis=1).mean())
# The strengths that Verger tries, on the sum of the losses instead of their mean.
strengths = [1 / (len(labels) * l2) for l2 in (1e-3, 1e-4, 1e-5)]
start = time.perf_counter()
LogisticRegressionCV(Cs=strengths, cv=3, max_iter=1000, tol=1e-3, n_jobs=-1).fit(features, labels)
print(json.dumps({"seconds": time.perf_counter() - start}))
