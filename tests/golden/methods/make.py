#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/methods_golden.c: each method's first step in every gradient, and ten steps of training, of the network
tests/golden/train/make.py has (width 2, 16 pairs). Losses are Lightly's where it has them; else the equation is written out here.
Computed in float64, stored as float32.
    tests/peers.sh; build/peers/bin/python make.py        (Debian 12: torch 1.13.1, numpy 1.24.2; PyPI: lightly 1.5.0)

What PyTorch in float32 is from these numbers is printed, and stands beside the tolerances in methods_golden.c."""
import copy
import importlib
import math
import os
import sys
import types

import torch
from torch import nn
from torch.nn import functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))
from network import Lars, Network, numbers, read_safetensors, write_safetensors  # noqa: E402

for name in ("lightly", "lightly.loss", "lightly.utils", "lightly.models", "lightly.models.modules"):  # its __init__ wants a client of its server; a loss is one file
    place = os.path.join(next(p for p in sys.path if os.path.isdir(os.path.join(p, "lightly"))), *name.split("."))
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [place]
sys.modules["lightly.models.utils"] = sys.modules["lightly.models"].utils = types.ModuleType("utils")  # wants torchvision
NTXentLoss = importlib.import_module("lightly.loss.ntx_ent_loss").NTXentLoss
NegativeCosineSimilarity = importlib.import_module("lightly.loss.negative_cosine_similarity").NegativeCosineSimilarity
SwaVLoss = importlib.import_module("lightly.loss.swav_loss").SwaVLoss
version = importlib.import_module("importlib.metadata").version("lightly")

WIDTH, K, HIDDEN, PAIRS, STEPS, LR, QUEUE, PROTOTYPES = 2, 24, 6, 16, 10, 0.005, 96, 12
box = numbers(0, 2 * PAIRS, 1, 16, 16, 16)
position = 4 * numbers(2 * PAIRS * 4096, 2 * PAIRS, 9)
label = (torch.arange(PAIRS) % 3 % 2).repeat(2)
begin, _ = read_safetensors(os.path.join(here, "..", "train", "step.safetensors"))
torch.set_num_threads(1)
out, apart = {}, {}


def stored(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(p.float().double())
    return module


def forward(net, head, dtype):
    """z of both views, each a pass of its own"""
    views = [slice(0, PAIRS), slice(PAIRS, None)]
    return [head(net.projection(net.embed(box[v].to(dtype), position[v].to(dtype)))) for v in views]


def simclr(s):
    return [NTXentLoss(0.5)(*s.z)]


def supcon(s):
    z = F.normalize(torch.cat(s.z))
    own = torch.eye(2 * PAIRS, dtype=torch.bool)
    log_p = (z @ z.T / 0.1).masked_fill(own, -math.inf).log_softmax(1)
    like = (label[:, None] == label[None]) & ~own
    return [-(log_p.masked_fill(~like, 0).sum(1) / like.sum(1)).mean()]


def moco(s):
    losses = []
    for q, k in ((0, 1), (1, 0)):
        loss = NTXentLoss(0.5, memory_bank_size=(QUEUE, K))
        loss.bank = s.queue.clone()  # its own copy: both directions read what was there before
        losses.append(loss(s.z[q], s.keys[k]))
    return [sum(losses) / 2]


def byol(s):
    c = NegativeCosineSimilarity()
    return [2 + 2 * c(s.z[0], s.keys[1]), 2 + 2 * c(s.z[1], s.keys[0])]


def swav(s):
    return [SwaVLoss(temperature=0.1, sinkhorn_iterations=3, sinkhorn_epsilon=0.05)(s.z, [])]


class Prototypes(nn.Module):
    def __init__(self):
        super().__init__()
        self.prototypes = nn.Linear(K, PROTOTYPES, bias=False)

    def forward(self, z):
        return self.prototypes(F.normalize(z))


class Predictor(nn.Module):
    def __init__(self):
        super().__init__()
        self.predictor = nn.Sequential(nn.Linear(K, 2 * K, bias=False), nn.BatchNorm1d(2 * K), nn.ReLU(),
                                       nn.Linear(2 * K, K))

    def forward(self, z):
        return self.predictor(z)


class Run:
    def __init__(self, method, dtype):
        torch.manual_seed(11)
        torch.set_default_dtype(torch.float64)
        self.method, self.dtype = method, dtype
        self.net = Network(WIDTH, K, HIDDEN)
        self.net.load_state_dict({n[6:]: t.double() if t.dtype == torch.float32 else t for n, t in begin.items()
                                  if n.startswith("begin.")})
        self.head = {byol: Predictor, swav: Prototypes}.get(method, nn.Identity)()
        stored(self.head)
        self.queue = F.normalize(torch.randn(QUEUE, K)).float().double()
        self.queue_at = 0
        self.begin = copy.deepcopy(self.head)
        self.normalise()
        for x in (self.net, self.head):
            x.to(dtype)
        self.queue = self.queue.to(dtype)
        self.teacher = copy.deepcopy(self.net)
        self.lars = Lars([p for _, p in self.params()])

    def params(self):
        return [(n, p) for m in (self.net, self.head) for n, p in m.named_parameters() if not n.startswith("classifier")]

    @torch.no_grad()
    def normalise(self):
        if self.method is swav:
            w = self.head.prototypes.weight
            w.copy_(F.normalize(w))

    def step(self, number):
        for m in (self.net, self.head):
            m.zero_grad()
        self.z = forward(self.net, self.head, self.dtype)
        with torch.no_grad():
            self.keys = forward(self.teacher, nn.Identity(), self.dtype)
        terms = self.method(self)
        sum(terms).backward()
        gradients = {n: p.grad.clone() for n, p in self.params()}
        self.lars.step(LR)
        m = 1 - (1 - 0.996) * (1 + math.cos(math.pi * number / STEPS)) / 2
        with torch.no_grad():
            for p, q in zip(self.teacher.parameters(), self.net.parameters()):
                p.copy_(p * m + q * (1 - m))
            for key in F.normalize(torch.cat(self.keys)):
                self.queue[self.queue_at] = key
                self.queue_at = (self.queue_at + 1) % QUEUE
        self.normalise()
        return torch.stack(terms).detach(), gradients


def note(what, got, want):
    apart[what] = max(apart.get(what, 0), float((got.double() - want).norm() / want.norm()))


for method in (simclr, supcon, moco, byol, swav):
    name = method.__name__
    run, single = Run(method, torch.float64), Run(method, torch.float32)
    out.update({f"{name}.begin.{n}": t.clone() for n, t in run.begin.state_dict().items()})
    if method is moco:
        out[f"{name}.begin.queue"] = run.queue.clone()
    start = {n: p.detach().clone() for n, p in run.params()}
    for number in range(STEPS):
        torch.set_default_dtype(torch.float32)
        terms_single, gradients_single = single.step(number)
        torch.set_default_dtype(torch.float64)
        terms, gradients = run.step(number)
        out[f"{name}.terms.{number}"] = terms
        note(f"{name} terms of step {number}", terms_single, terms)
        if number == 0:
            largest = max(float(g.norm()) for g in gradients.values())
            for n, g in gradients.items():
                out[f"{name}.grad.{n}"] = g
                if float(g.norm()) > 1e-9 * largest:
                    note(f"{name} gradient", gradients_single[n], g)
    for (n, p), (_, q) in zip(run.params(), single.params()):
        out[f"{name}.tenth.{n}"] = p
        if float((p - start[n]).norm()) > 1e-9:
            note(f"{name} the way of parameters in ten", q.double() - start[n], p - start[n])
    if method in (moco, byol):
        for n, p in run.teacher.named_parameters():
            if n.startswith(("projection", "peb")):
                out[f"{name}.teacher.{n}"] = p
        out.update({f"{name}.teacher.{n}": t for n, t in run.teacher.state_dict().items() if n == "projection.1.running_var"})
    if method is moco:
        out[f"{name}.tenth.queue"] = run.queue

write_safetensors(os.path.join(here, "methods.safetensors"), out,
                  {"torch": torch.__version__, "lightly": version, "pairs": str(PAIRS), "width": str(WIDTH)})
for what, d in apart.items():
    if "terms" not in what or what.endswith((" 0", " 9")):
        print(f"{what}: PyTorch's float32 is {d:.1e} from this")
