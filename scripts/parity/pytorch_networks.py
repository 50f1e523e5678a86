"""Saves networks of torchvision and timm with random weights in the folder given, and prints as JSON what each makes of
one random photo of its own size: {file: {architecture, photo, logits, features}}. No weights are downloaded.

    pip install torch torchvision timm safetensors      (a large Python environment of its own)
    VERGER_PYTORCH=PYTHON npx vitest run --project parity test/parity/pytorch.test.ts
"""

import base64
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import timm
import torch
import torchvision
from safetensors.torch import save_file

FOLDER = Path(sys.argv[1])
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CENTRED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def randomise(model):
    """Gives every batch norm statistics that matter, and no layer numbers that die out."""
    generator = torch.Generator().manual_seed(1)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.weight.data.uniform_(0.8, 1.4, generator=generator)
            module.bias.data.normal_(0.1, 0.2, generator=generator)
            module.running_mean.normal_(0, 0.2, generator=generator)
            module.running_var.uniform_(0.3, 1.2, generator=generator)
        elif isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
            fan = module.weight[0].numel()
            module.weight.data.normal_(0, (1.5 / fan) ** 0.5, generator=generator)
            if module.bias is not None:
                module.bias.data.normal_(0, 0.1, generator=generator)
    return model.eval()


def main():
    warnings.simplefilter("ignore")
    inception = torchvision.models.inception_v3(init_weights=False, transform_input=True)
    models = {
        "mobilenet_v2.pth": ("mobilenet-v2", torchvision.models.mobilenet_v2(num_classes=7), IMAGENET),
        "mobilenetv2_100.safetensors": ("mobilenet-v2", timm.create_model("mobilenetv2_100"), IMAGENET),
        "efficientnet_lite0.pth": ("efficientnet-lite0", timm.create_model("efficientnet_lite0"), IMAGENET),
        "tf_efficientnet_lite0.pth": ("efficientnet-lite0", timm.create_model("tf_efficientnet_lite0"), CENTRED),
        "inception_v3_google.pth": ("inception-v3", inception, IMAGENET),
        "inception_v3.safetensors": ("inception-v3", timm.create_model("inception_v3"), CENTRED),
    }
    made = {}
    for file, (architecture, model, (mean, std)) in models.items():
        state = randomise(model).state_dict()
        if file.endswith("safetensors"):
            save_file(state, FOLDER / file)
        else:
            legacy = {"_use_new_zipfile_serialization": False} if "lite0" in file else {}
            torch.save({"state_dict": state} if architecture == "mobilenet-v2" else state, FOLDER / file, **legacy)
        size = 299 if architecture == "inception-v3" else 224
        photo = np.random.default_rng(0).integers(0, 256, (size, size, 3), np.uint8)
        levels = torch.from_numpy(photo).permute(2, 0, 1)[None].float() / 255
        entering = (levels - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
        features = []
        last = [module for module in model.modules() if isinstance(module, torch.nn.Linear)][-1]
        last.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
        with torch.no_grad():
            logits = model(entering)
        made[file] = {
            "architecture": architecture,
            "photo": base64.b64encode(photo.tobytes()).decode(),
            "logits": logits[0].tolist(),
            "features": features[-1][0].tolist(),
        }
    json.dump(made, sys.stdout)


main()
