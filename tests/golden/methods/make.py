#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/methods_golden.c: each method's first step in every gradient, and ten steps of training, of the network
tests/golden/train/make.py has (width 2, 16 pairs). Losses are Lightly's where it has them (NT-Xent, negative cosine, SwAV's with crops and queue, DINO's,
SMoG's groups); else the equation is written out here.
Computed in float64, stored as float32.
    tests/peers.sh; build/peers/bin/python make.py [--check | NAME...]      --check: writes nothing, leaves with 1 where the file has other
          numbers; NAME: those runs alone, the others' numbers stay
          (Debian 12: torch 1.13.1, numpy 1.24.2; PyPI: lightly 1.5.0)

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
BarlowTwinsLoss = importlib.import_module("lightly.loss.barlow_twins_loss").BarlowTwinsLoss
DINOLoss = importlib.import_module("lightly.loss.dino_loss").DINOLoss
SMoGPrototypes = importlib.import_module("lightly.models.modules.heads").SMoGPrototypes
version = importlib.import_module("importlib.metadata").version("lightly")

WIDTH, K, HIDDEN, STEPS, LR, QUEUE, PROTOTYPES = 2, 24, 6, 10, 0.005, 96, 12
CROP_QUEUE, GROUPS, OUTPUTS = 32, 12, 20
OFFSET = 24  # groups begin where no two are nearly as near to a row, in all ten steps (printed below)
margin = math.inf
begin, _ = read_safetensors(os.path.join(here, "..", "train", "step.safetensors"))
torch.set_num_threads(1)
out, apart = {}, {}


def stored(module):
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(p.float().double())
    return module


def forward(net, head, box, position, views, parts):
    """z of the first `views` views; each of `parts` equal parts of them is a pass of its own"""
    n = len(box) // parts
    z = torch.cat([head(net.projection(net.embed(box[p * n:(p + 1) * n], position[p * n:(p + 1) * n]))) for p in range(parts)])
    return list(z.chunk(views))


def windows(views, pairs):
    """of random crops: lowest voxel, the side is 8; methods_golden.c has the same"""
    return torch.tensor([[[(3 * n + 5 * v + 2 * a) % 9 for a in range(3)] for n in range(pairs)] for v in range(views - 8)])


def simclr(s):
    return [NTXentLoss(0.5)(*s.z)]


def supcon(s):
    z = F.normalize(torch.cat(s.z))
    own = torch.eye(len(z), dtype=torch.bool)
    log_p = (z @ z.T / 0.1).masked_fill(own, -math.inf).log_softmax(1)
    like = (s.label[:, None] == s.label[None]) & ~own
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


def swav_crops(s):
    """four views and queues that are used from the third epoch on"""
    w = s.head.prototypes.weight
    queues = [F.linear(q, w) for q in s.queues] if s.number >= 2 else None
    return [SwaVLoss(temperature=0.1, sinkhorn_iterations=3, sinkhorn_epsilon=0.05)(s.z[:2], s.z[2:], queues)]


def dino(s):
    return [s.dino(s.keys, s.z, epoch=s.number)]


def smog(s):
    """both views at once, each in both roles"""
    global margin
    e, p, t = torch.cat(s.head.seen), torch.cat(s.z), torch.cat(s.keys[::-1])
    target = s.smog.assign_groups(t)
    for x in (e, t):
        best = s.smog(x, s.smog.group_features, temperature=1).topk(2, 1)[0]
        margin = min(margin, float((best[:, 0] - best[:, 1]).min()))
    s.moved = s.smog.get_updated_group_features(e)
    return [F.cross_entropy(s.smog(p, s.moved, temperature=0.1), target)]


def voco(s):
    """Wu et al., equations 3 and 4; octants in place of a volume's blocks"""
    crops, octants = torch.stack(s.z[:-8]), torch.stack(s.z[-8:])
    low = s.windows[:, :, None].to(crops.dtype)
    upper = torch.tensor([[j >> (2 - a) & 1 for a in range(3)] for j in range(8)])
    share = torch.where(upper == 1, low / 8, 1 - low / 8).prod(-1)
    likeness = F.relu(F.cosine_similarity(crops[:, :, None], octants.detach().transpose(0, 1)[None], dim=-1))
    prediction = -torch.log(1 - (share - likeness).abs() + 1e-6).mean()
    one, other = torch.triu_indices(8, 8, 1)
    apart = F.cosine_similarity(octants[one], octants[other], dim=-1).abs().mean()
    return [prediction, apart]


def voco_supervised(s):
    logits = torch.cat(s.head.classes)
    known = s.label >= 0
    return voco(s) + [F.cross_entropy(logits[known], s.label[known], reduction="sum") / len(logits)]


def wsp(s):
    """Sarfati et al.: kernel of heights times that of classes; sigma 3 of a position's first number"""
    z, h = F.normalize(torch.cat(s.z)), s.position[:, 0]
    own = torch.eye(len(z), dtype=torch.bool)
    log_p = (z @ z.T / 0.1).masked_fill(own, -math.inf).log_softmax(1).masked_fill(own, 0)
    w = torch.exp(-(h[:, None] - h[None]) ** 2 / (2 * 3.0 ** 2)) * ((s.label[:, None] == s.label[None]) & ~own)
    return [-(log_p * w / w.sum(1, keepdim=True)).sum(1).mean()]


def barlow(s):
    """Zbontar et al., algorithm 1: each view by its own mean and standard deviation"""
    a, b = ((z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt() for z in s.z)
    c = a.T @ b / len(a)
    return [0.024 * (c.diagonal() - 1).pow(2).sum(), 0.024 * 0.005 * (c - c.diagonal().diag()).pow(2).sum()]


def barlow_together(s):
    """Lightly's: both views by one; its loss in two terms by two weights"""
    invariance = 0.024 * BarlowTwinsLoss(lambda_param=0)(*s.z)
    return [invariance, 0.024 * BarlowTwinsLoss(lambda_param=0.005)(*s.z) - invariance]


class Prototypes(nn.Module):
    def __init__(self, count=PROTOTYPES):
        super().__init__()
        self.prototypes = nn.Linear(K, count, bias=False)

    def forward(self, z):
        self.features = F.normalize(z)
        return self.prototypes(self.features)


class Predictor(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.predictor = nn.Sequential(nn.Linear(K, 2 * K, bias=False), nn.BatchNorm1d(2 * K), nn.ReLU(),
                                       nn.Linear(2 * K, K))

    def forward(self, z):
        self.seen.append(z)
        return self.predictor(z)


class Classes(nn.Module):
    """a linear layer on what the projection stands on; z goes through"""

    def __init__(self):
        super().__init__()
        self.predictor = nn.ModuleDict({"class": nn.Linear(8 * WIDTH, 2)})
        self.classes = []

    def watch(self, projection):
        projection.register_forward_pre_hook(lambda _, given: self.classes.append(self.predictor["class"](given[0])))

    def forward(self, z):
        return z


VIEWS = {swav_crops: 4, dino: 4, voco: 9, voco_supervised: 10}
PAIRS = {swav_crops: 8, dino: 8, voco: 4, voco_supervised: 4}
SEEN = {dino: 2}  # by the teacher
PASSES = {voco: 1, voco_supervised: 1}
GRADIENTS_OF = {dino: 2}  # the step whose gradients are kept: the first where nothing is frozen


class Run:
    def __init__(self, method, dtype):
        torch.manual_seed(11)
        torch.set_default_dtype(torch.float64)
        self.method, self.dtype = method, dtype
        self.views, pairs = VIEWS.get(method, 2), PAIRS.get(method, 16)
        self.passes, self.seen = PASSES.get(method, self.views), SEEN.get(method, self.views)
        self.box = numbers(0, self.views * pairs, 1, 16, 16, 16).to(dtype)
        self.position = 4 * numbers(self.views * pairs * 4096, self.views * pairs, 9).to(dtype)
        self.label = (torch.arange(pairs) % 3 - 1 if method is voco_supervised else torch.arange(pairs) % 3 % 2).repeat(self.views)
        self.windows = windows(self.views, pairs) if self.views > 8 else None
        self.net = Network(WIDTH, K, HIDDEN)
        self.net.load_state_dict({n[6:]: t.double() if t.dtype == torch.float32 else t for n, t in begin.items()
                                  if n.startswith("begin.")})
        self.head = {byol: Predictor, smog: Predictor, swav: Prototypes, swav_crops: Prototypes, voco_supervised: Classes,
                     dino: lambda: Prototypes(OUTPUTS)}.get(method, nn.Identity)()
        stored(self.head)
        self.queue = F.normalize(torch.randn(QUEUE, K)).float().double()
        self.queue_at = 0
        self.begin = copy.deepcopy(self.head)
        self.normalise(self.head)
        for x in (self.net, self.head):
            x.to(dtype)
        self.queue = self.queue.to(dtype)
        self.queues, self.queues_at = [self.queue[:CROP_QUEUE].clone(), self.queue[CROP_QUEUE:2 * CROP_QUEUE].clone()], 0
        self.smog = SMoGPrototypes(self.queue[OFFSET:OFFSET + GROUPS].clone(), beta=0.9)
        self.dino = DINOLoss(OUTPUTS, warmup_teacher_temp=0.07, teacher_temp=0.04, warmup_teacher_temp_epochs=5).to(dtype)
        self.teacher = copy.deepcopy(self.net)
        self.teacher_head = copy.deepcopy(self.head) if method is dino else nn.Identity()
        if method is voco_supervised:
            self.head.watch(self.net.projection)
        self.lars = Lars([p for _, p in self.params()])

    def params(self):
        return [(n, p) for m in (self.net, self.head) for n, p in m.named_parameters() if not n.startswith("classifier")]

    @torch.no_grad()
    def normalise(self, head):
        if isinstance(head, Prototypes):
            w = head.prototypes.weight
            w.copy_(F.normalize(w))

    @torch.no_grad()
    def follow(self, number):
        m = 0.99 if self.method is smog else 1 - (1 - 0.996) * (1 + math.cos(math.pi * number / STEPS)) / 2
        for teacher, student in ((self.teacher, self.net), (self.teacher_head, self.head)):
            for p, q in zip(teacher.parameters(), student.parameters()):
                p.copy_(p * m + q * (1 - m))

    @torch.no_grad()
    def enqueue(self):
        for key in F.normalize(torch.cat(self.keys)) if self.method is moco else ():
            self.queue[self.queue_at] = key
            self.queue_at = (self.queue_at + 1) % QUEUE
        if self.method is swav_crops:
            for row in zip(*[F.normalize(z) for z in self.features[:2]]):
                for queue, x in zip(self.queues, row):
                    queue[self.queues_at] = x
                self.queues_at = (self.queues_at + 1) % CROP_QUEUE

    def step(self, number):
        self.number = number
        for m in (self.net, self.head):
            m.zero_grad()
        self.head.seen, self.head.classes = [], []
        self.features = []
        hook = self.net.projection.register_forward_hook(lambda _, __, z: self.features.append(z.detach()))
        self.z = forward(self.net, self.head, self.box, self.position, self.views, self.passes)
        hook.remove()
        with torch.no_grad():
            rows = self.seen * len(self.box) // self.views
            self.keys = forward(self.teacher, self.teacher_head, self.box[:rows], self.position[:rows], self.seen,
                                min(self.passes, self.seen))
        terms = self.method(self)
        sum(terms).backward()
        gradients = {n: p.grad.clone() for n, p in self.params()}
        if self.method is dino and number < 2:  # the last layer is frozen
            self.head.prototypes.weight.grad.zero_()
        self.lars.step(LR)
        if self.method is smog:
            self.smog.set_group_features(self.moved.detach())
        self.normalise(self.head)
        self.follow(number)
        self.normalise(self.teacher_head)
        self.enqueue()
        return torch.stack(terms).detach(), gradients


def note(what, got, want):
    apart[what] = max(apart.get(what, 0), float((got.double() - want).norm() / want.norm()))


METHODS = (simclr, supcon, moco, byol, swav, swav_crops, smog, dino, voco, voco_supervised, wsp, barlow, barlow_together)
chosen = [n for n in sys.argv[1:] if n != "--check"]
for method in METHODS:
    name = method.__name__
    if chosen and name not in chosen:
        continue
    run, single = Run(method, torch.float64), Run(method, torch.float32)
    out.update({f"{name}.begin.{n}": t.clone() for n, t in run.begin.state_dict().items()})
    if method is moco:
        out[f"{name}.begin.queue"] = run.queue.clone()
    if method is swav_crops:
        out.update({f"{name}.begin.queue{i + 1}": q.clone() for i, q in enumerate(run.queues)})
    if method is smog:
        out[f"{name}.begin.groups"] = run.smog.group_features.detach().clone()
    start = {n: p.detach().clone() for n, p in run.params()}
    for number in range(STEPS):
        torch.set_default_dtype(torch.float32)
        terms_single, gradients_single = single.step(number)
        torch.set_default_dtype(torch.float64)
        terms, gradients = run.step(number)
        out[f"{name}.terms.{number}"] = terms
        note(f"{name} terms of step {number}", terms_single, terms)
        if number == GRADIENTS_OF.get(method, 0):
            largest = max(float(g.norm()) for g in gradients.values())
            for n, g in gradients.items():
                out[f"{name}.grad.{n}"] = g
                if float(g.norm()) > 1e-9 * largest:
                    note(f"{name} gradient", gradients_single[n], g)
    for (n, p), (_, q) in zip(run.params(), single.params()):
        out[f"{name}.tenth.{n}"] = p
        if float((p - start[n]).norm()) > 1e-9:
            note(f"{name} the way of parameters in ten", q.double() - start[n], p - start[n])
    if method in (moco, byol, smog, dino):
        for n, p in run.teacher.named_parameters():
            if n.startswith(("projection", "peb")):
                out[f"{name}.teacher.{n}"] = p
        out.update({f"{name}.teacher.{n}": t for n, t in run.teacher.state_dict().items() if n == "projection.1.running_var"})
    if method is moco:
        out[f"{name}.tenth.queue"] = run.queue
    if method is swav_crops:
        out.update({f"{name}.tenth.queue{i + 1}": q for i, q in enumerate(run.queues)})
    if method is smog:
        out[f"{name}.tenth.groups"] = run.smog.group_features.detach()
    if method is dino:
        out[f"{name}.tenth.centre"] = run.dino.center.reshape(1, -1)
        out[f"{name}.teacher.prototypes.weight"] = run.teacher_head.prototypes.weight

if sys.argv[1:] == ["--check"]:
    stored_before, _ = read_safetensors(os.path.join(here, "methods.safetensors"))
    other = set(out) ^ set(stored_before)
    for n in set(out) & set(stored_before):
        x, y = out[n].detach().double(), stored_before[n].double()
        if x.shape != y.shape or float((x - y).norm()) > 1e-5 * float(y.norm()) + 1e-9:
            other.add(n)
    print(f"{len(out)} tensors of {len(apart) // 12} runs" + (f"; other than the file has: {sorted(other)[:5]} ..." if other else ", as the file has them"))
    sys.exit(bool(other))
if chosen:
    before, _ = read_safetensors(os.path.join(here, "methods.safetensors"))
    out = {**{n: t for n, t in before.items() if n.split(".")[0] in {m.__name__ for m in METHODS}}, **out}
write_safetensors(os.path.join(here, "methods.safetensors"), out,
                  {"torch": torch.__version__, "lightly": version, "pairs": "16", "width": str(WIDTH)})
print(f"smog: the nearest group is nearer than the next by {margin:.1e} at least")
for what, d in apart.items():
    if "terms" not in what or what.endswith((" 0", " 9")):
        print(f"{what}: PyTorch's float32 is {d:.1e} from this")
