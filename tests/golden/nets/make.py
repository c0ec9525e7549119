# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/nets_golden.c, and counts.h for tests/unit/nets.c: each backbone (reference.py, narrow.py) with the
classifier on it: embedding, focal loss and every gradient of a first step, ten steps by LARS. In float64. What everything begins
from is a formula (begin below and in nets_golden.c), so that no weights are kept; of each tensor of a gradient, and of how far it came
in ten steps, its length and its product with PRODUCTS vectors of numbers by another.
    tests/peers.sh; build/peers/bin/python make.py [BACKBONE...]      those alone, the others' numbers stay
        (Debian 12: torch 1.13.1, numpy 1.24.2; PyPI: monai 1.0.1, einops 0.8.1)

What PyTorch in float32 is from these numbers is printed, and stands beside the tolerances in nets_golden.c."""
import os
import sys

import monai
import numpy
import torch
from torch import nn

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))
from network import Lars, focal, numbers, read_safetensors, write_safetensors  # noqa: E402
from narrow import NARROW  # noqa: E402
from reference import BACKBONES, backbone, count  # noqa: E402

HIDDEN, STEPS, PRODUCTS, APART = 6, 10, 6, 1 << 24
LR = {"resnet34": 0.0005, "r2plus1d_18": 0.0005, "resnet50": 0.000002, "seresnet50": 0.000002}  # many norms of a dozen numbers: a longer step is chaos

torch.set_num_threads(1)
out, apart = {}, {}


def boxes(name):
    """a batch; AlexNet has no narrow form"""
    n = {"alexnet": 4, "resnet50": 24, "seresnet50": 24}.get(name, 12)
    return numbers(0, n, 1, 16, 16, 16), torch.arange(n) % 3 % 2


def place(name):
    """where a tensor's numbers begin: FNV-1a of its name"""
    h = 0x811c9dc5
    for c in name.encode():
        h = (h ^ c) * 0x01000193 & 0xffffffff
    return h >> 1


def begin(name, shape):
    x = numbers(place(name), *shape)
    if name.endswith("weight") and len(shape) > 1:
        return (x / float(numpy.sqrt(numpy.prod(shape[1:])))).float().double()
    if name.endswith("weight"):
        return 0.5 + x / 8
    return x / 8


def sketch(name, t):
    """its length, and its products with some vectors"""
    t = t.detach().double().flatten()
    return [t.norm()] + [(t * numbers(place(name) + (k + 1) * APART, t.numel())).sum() for k in range(PRODUCTS)]


class Run:
    def __init__(self, name, dtype):
        self.net = backbone(name, **NARROW[name])
        with torch.no_grad():
            width = self.net.eval()(torch.zeros(2, 1, 16, 16, 16)).shape[1]
        self.classifier = nn.Sequential(nn.Linear(width, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2))
        with torch.no_grad():
            for n, p in self.params():
                p.data = begin(n, p.shape).to(dtype)
        self.net.net.to(dtype)
        self.net.train()
        self.lars = Lars([p for _, p in self.params()])
        self.name = name
        self.box, self.label = boxes(name)
        self.box = self.box.to(dtype)

    def params(self):
        return [("backbone." + n, p) for n, p in self.net.named_parameters()] + \
               [("classifier." + n, p) for n, p in self.classifier.named_parameters()]

    def step(self):
        for _, p in self.params():
            p.grad = None
        embedding = self.net(self.box)
        loss = focal(self.classifier(embedding), self.label)
        loss.backward()
        gradients = {n: p.grad.clone() for n, p in self.params()}
        self.lars.step(LR.get(self.name, 0.01))
        return embedding.detach(), loss.detach(), gradients


def note(what, got, want):
    apart[what] = max(apart.get(what, 0), float((got.double() - want).norm() / want.norm()))


for name in sys.argv[1:] or BACKBONES:
    run, single = Run(name, torch.float64), Run(name, torch.float32)
    start = {n: p.detach().clone() for n, p in run.params()}
    losses = []
    for number in range(STEPS):
        embedding, loss, gradients = run.step()
        embedding1, loss1, gradients1 = single.step()
        losses.append(loss)
        note(f"{name} loss of step {number}", loss1, loss)
        if number == 0:
            out[f"{name}.embedding"] = embedding[:, :64]
            note(f"{name} embedding", embedding1, embedding)
            order = sorted(gradients)
            out[f"{name}.gradient"] = torch.tensor([sketch(n, gradients[n]) for n in order])
            largest = max(float(g.norm()) for g in gradients.values())
            for n in order:
                if float(gradients[n].norm()) > 1e-3 * largest:
                    note(f"{name} gradient", gradients1[n], gradients[n])
    out[f"{name}.loss"] = torch.stack(losses)
    way = {n: p.detach() - start[n] for n, p in run.params()}
    out[f"{name}.way"] = torch.tensor([sketch(n, way[n]) for n in order])
    largest = max(float(w.norm()) for w in way.values())
    for (n, p), (_, q) in zip(run.params(), single.params()):
        if float(way[n].norm()) > 1e-3 * largest:
            note(f"{name} way", q.detach().double() - start[n], way[n])
    print(name, [round(float(x), 4) for x in losses], flush=True)

path = os.path.join(here, "nets.safetensors")
if sys.argv[1:]:
    out = {**{n: t for n, t in read_safetensors(path)[0].items() if n.split(".")[0] in BACKBONES}, **out}
write_safetensors(path, out, {"torch": torch.__version__, "monai": monai.__version__})
with open(os.path.join(here, "counts.h"), "w") as f:
    f.write("/* SPDX-License-Identifier: Apache-2.0 */\n/* counts -- parameters of each backbone as its library has it, for one channel; "
            f"make.py beside this: torch {torch.__version__}, monai {monai.__version__} */\n")
    f.writelines(f'{{"{name}", {count(backbone(name))}}},\n' for name in BACKBONES)
for what, d in apart.items():
    if "loss" not in what or what.endswith((" 0", " 9")):
        print(f"{what}: PyTorch's float32 is {d:.1e} from this")
