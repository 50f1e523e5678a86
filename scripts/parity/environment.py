"""Prints the versions of the packages that test/parity compares Verger with, and of TensorFlow as it loads, as JSON."""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import tensorflow as tf

requirements = Path(__file__).with_name("requirements.txt").read_text().split()
names = [requirement.split("==")[0] for requirement in requirements]
json.dump(
    {"requirements": [f"{name}=={version(name)}" for name in names], "tensorflow": tf.__version__},
    sys.stdout,
)
