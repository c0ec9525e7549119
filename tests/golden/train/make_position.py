#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/position_golden.c: the PEB with some parts of the position vector, forward and every gradient; and
one step of pretraining of early and late fusion, with and without a PEB, ResNet10 at a width of 2.
Computed in float64, stored as float32; positions and features are network.py's numbers, so that they need no room here.
    apt-get install python3-torch; /usr/bin/python3 make_position.py        (Debian 12: torch 1.13.1, numpy 1.24.2)"""
import copy
import math
import os

import torch

from network import Network, Peb, numbers, pretrain_step, pretraining_params, write_safetensors

N, E = 7, 8
torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
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
PAIRS, K, WIDTH = 16, 12, 2
box, position = numbers(0, 2 * PAIRS, 2, 16, 16, 16), 4 * numbers(4 * PAIRS * 4096, 2 * PAIRS, 9)


def begin(name, shape):
    """What a parameter begins as, exact in float32: network.py's numbers from a place that its name gives."""
    x = numbers(sum(name.encode()) << 16, *shape)
    if len(shape) > 1 and name != "peb.weight":
        return x * 2.0 ** math.floor(-math.log2(math.prod(shape[1:])) / 2)
    return 1 + x / 8 if name.endswith("weight") and name != "peb.weight" else x / 8


for late, with_peb in ((False, True), (True, True), (True, False)):
    net = Network(WIDTH, K, 6, 2, (1, 1, 1, 1), late, with_peb)
    with torch.no_grad():
        for n, p in net.named_parameters():
            p.copy_(begin(n, p.shape))
    single = copy.deepcopy(net).float()
    e, z, terms = pretrain_step(net, None, box, position, 0)
    tag = f"{'late' if late else 'early'}.{'peb' if with_peb else 'none'}."
    out.update({tag + "embedding": e, tag + "z": z, tag + "terms": torch.stack(terms)})
    out.update({tag + "grad." + n: p.grad for n, p in pretraining_params(net)})
    torch.set_default_dtype(torch.float32)
    pretrain_step(single, None, box.float(), position.float(), 0)
    torch.set_default_dtype(torch.float64)
    off = max(float((q.grad.double() - p.grad).norm() / p.grad.norm())
              for (n, p), (_, q) in zip(pretraining_params(net), pretraining_params(single)) if float(p.grad.abs().max()) > 1e-9)
    print(f"torch {torch.__version__} in float32: gradients of {tag} off by {off:.2g}")
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "position.safetensors")
write_safetensors(path, out, {"made_by": "make_position.py, torch " + torch.__version__})
print(os.path.getsize(path), "bytes")
