#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/position_golden.c: the PEB with some parts of the position vector, forward and every gradient.
Computed in float64, stored as float32; positions and features are network.py's numbers, so that they need no room here.
    apt-get install python3-torch; /usr/bin/python3 make_position.py        (Debian 12: torch 1.13.1, numpy 1.24.2)"""
import os

import torch

from network import Peb, numbers, write_safetensors

N, E = 7, 8
torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
out = {}
for norm in ("layer", "l2"):
    for parts in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)):
        peb = Peb(E, parts, norm)
        with torch.no_grad():  # as stored
            for p in peb.parameters():
                p.copy_(p.float().double())
        features, position = numbers(0, N, E), 4 * numbers(N * E, N, 9)
        layer = torch.eye(E, requires_grad=True)  # what stands before the PEB learns through it
        z = peb(features @ layer.T, position)
        z.backward(numbers(N * (E + 9), N, E))
        tag = f"{norm}.{sum(1 << i for i in parts)}."
        out.update({tag + "out": z, tag + "grad.features.weight": layer.grad})
        out.update({tag + "peb." + n: p for n, p in peb.named_parameters()})
        out.update({tag + "grad.peb." + n: p.grad for n, p in peb.named_parameters()})
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "position.safetensors")
write_safetensors(path, out, {"made_by": "make_position.py, torch " + torch.__version__})
print(os.path.getsize(path), "bytes")
