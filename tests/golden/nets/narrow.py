# SPDX-License-Identifier: Apache-2.0
"""The backbones as narrow as they can be and still have every kind of layer: what tests build. Words of the recipe."""
NARROW = {
    "resnet10": {"backbone_width": 2}, "resnet18": {"backbone_width": 2}, "resnet34": {"backbone_width": 2},
    "resnet50": {"backbone_width": 4}, "seresnet50": {"backbone_width": 4},
    "efficientnet_b0": {"efficientnet_width": 0.25, "efficientnet_drop": 0},
    "vit": {"vit_patch": 8, "vit_width": 24, "vit_layers": 2, "vit_heads": 3, "vit_mlp": 40},
    "densenet": {"densenet_blocks": (2, 3, 2), "densenet_growth": 4, "densenet_width": 8},
    "cnn_var": {}, "cnn_var2": {}, "alexnet": {}, "r2plus1d_18": {"backbone_width": 4},
}


def words(settings):
    """as options of petrel-train"""
    text = lambda v: ",".join(map(str, v)) if isinstance(v, tuple) else str(v)
    return [w for k, v in settings.items() for w in ("--" + k.replace("_", "-"), text(v))]
