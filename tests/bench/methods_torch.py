#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""methods_torch -- one step of each method of pretraining, and of each backbone, in plain PyTorch: tests/bench/methods.c's peer.   tests/bench

    methods_torch.py [--threads 2] [--format contiguous|channels_last]     then on stdin, a line each: METHOD PAIRS REPEAT [BACKBONE]
Answers a line each: torch method=... pairs=... step_s=... cpu_s=... (processor time of all threads) params=..., or torch missing=... where it cannot. The
same arithmetic and sizes as pipelines/recipes/methods/METHOD.conf: 3-D ResNet18 of
stem stride 1,2,2 with PEB (of slices: the same in two dimensions), the projection's outputs, heads, teacher, queues, prototypes, groups, LARS;
every view a pass of its own (VoCo's all in one). BACKBONE: that network of tests/golden/nets/reference.py (MONAI's, for most) with PEB and projection in
place of our own writing of ResNet18. Tuned as train_torch.py is: in place, gradients dropped, glibc keeps what is freed.
"""
import argparse
import copy
import math
import os
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, os.path.join(here, "..", "golden", "nets")]
from reference import backbone as reference_backbone  # noqa: E402
from train_torch import Encoder, Lars, vicreg  # noqa: E402

OUTPUTS = {"vicreg": 2048, "barlow": 2048, "byol": 256, "dino": 64, "voco": 2048, "voco_supervised": 2048}
VIEWS = {"dino": 4, "voco": 10, "voco_supervised": 10}
TEACHER = {"byol", "moco", "smog", "dino"}


class Positioned(nn.Module):
    """a backbone of tests/golden/nets with the PEB on it"""

    def __init__(self, name):
        super().__init__()
        self.net = reference_backbone(name)
        with torch.no_grad():
            self.width = self.net.eval()(torch.zeros(2, 1, 16, 16, 16)).shape[1]
        self.net.train()
        self.weight = nn.Parameter(torch.randn(1, 9))
        self.position, self.mix = nn.Linear(9, self.width), nn.Linear(2 * self.width, self.width)

    def forward(self, box, position):
        y, q = self.net(box), self.position(position * self.weight)
        return self.mix(torch.cat([F.layer_norm(y, (self.width,)), F.layer_norm(q, (self.width,))], 1))


class Flat(nn.Module):
    """the encoder of slices: convolutions, norms and pools of Encoder in two dimensions"""

    def __init__(self):
        super().__init__()
        self.inner = Encoder()
        flatten(self.inner)

    def forward(self, box, position):
        e = self.inner
        y = e.layers(e.stem(box)).mean((2, 3))
        q = e.position(position * e.weight)
        return e.mix(torch.cat([F.layer_norm(y, (512,)), F.layer_norm(q, (512,))], 1))


def flatten(module):
    for name, m in module.named_children():
        if isinstance(m, nn.Conv3d):
            setattr(module, name, nn.Conv2d(m.in_channels, m.out_channels, m.kernel_size[1:], m.stride[1:], m.padding[1:], bias=False))
        elif isinstance(m, nn.BatchNorm3d):
            setattr(module, name, nn.BatchNorm2d(m.num_features))
        elif isinstance(m, nn.MaxPool3d):
            setattr(module, name, nn.MaxPool2d(3, 2, 1))
        else:
            flatten(m)


def mlp(c, hidden, out):
    return nn.Sequential(nn.Linear(c, hidden, bias=False), nn.BatchNorm1d(hidden), nn.ReLU(inplace=True), nn.Linear(hidden, out))


def contrast(z, weight, tau):
    logits = (z @ z.T / tau).masked_fill_(torch.eye(len(z), dtype=torch.bool), -math.inf)
    return -(logits.log_softmax(1).masked_fill(weight == 0, 0) * weight).sum(1).mean()


@torch.no_grad()
def sinkhorn(scores):
    q = torch.exp(scores / 0.05)
    q /= q.sum()
    for _ in range(3):
        q /= q.sum(0, keepdim=True)
        q /= q.sum(1, keepdim=True)
    return q


class Step:
    def __init__(self, method, pairs, memory_format, backbone=None):
        torch.manual_seed(1)
        self.method, self.pairs, self.views = method, pairs, VIEWS.get(method, 2)
        outputs, rows = OUTPUTS.get(method, 128), self.views * pairs
        flat = method == "wsp"
        self.encoder = Flat() if flat else (Positioned(backbone) if backbone else Encoder()).to(memory_format=memory_format)
        self.projection = mlp(getattr(self.encoder, "width", 512), 2048, outputs)
        self.head = {"byol": lambda: mlp(outputs, 4096, outputs), "smog": lambda: mlp(outputs, 2048, outputs),
                     "swav": lambda: nn.Linear(outputs, 512, bias=False), "dino": lambda: nn.Linear(outputs, 2048, bias=False),
                     "voco_supervised": lambda: nn.Linear(512, 2)}.get(method, nn.Identity)()
        self.student = nn.ModuleList([self.encoder, self.projection, self.head])
        self.teacher = copy.deepcopy(self.student) if method in TEACHER else None
        self.lars = Lars(self.student.parameters())
        self.box = torch.randn(rows, 1, 16, 16) if flat else torch.randn(rows, 1, 16, 16, 16).to(memory_format=memory_format)
        self.position = torch.randn(rows, 9)
        self.label = (torch.arange(pairs) % 2).repeat(self.views)
        self.share = torch.rand(self.views - 8, pairs, 8) if self.views > 8 else None
        self.queue, self.at = F.normalize(torch.randn(4096, outputs)), 0
        self.groups, self.bank = F.normalize(torch.randn(300, outputs)), torch.randn(10000, outputs)
        self.centre = torch.zeros(1, 2048)

    def forward(self, net, head, views, seen):
        """(embeddings, projections, what the head makes) of every view"""
        encoder, projection = net[0], net[1]
        all_views = [(self.box, self.position)] if self.views > 8 else list(zip(self.box.chunk(views), self.position.chunk(views)))[:seen]
        y = [encoder(b, p) for b, p in all_views]
        z = [projection(x) for x in y]
        return y, z, [head(x) for x in z] if head else z

    def loss(self):
        m, n = self.method, self.pairs
        head = self.head if m in ("byol", "smog") else None
        y, z, out = self.forward(self.student, head, self.views, self.views)
        if self.teacher is not None:
            with torch.no_grad():
                _, keys, _ = self.forward(self.teacher, None, self.views, 2)
        if m == "vicreg":
            return vicreg(*z)
        if m == "barlow":
            a, b = (F.batch_norm(x, None, None, training=True) for x in z)
            c = a.T @ b / n
            return (c.diagonal() - 1).pow(2).sum() + 0.005 * (c.pow(2).sum() - c.diagonal().pow(2).sum())
        if m in ("simclr", "supcon", "wsp"):
            like = torch.roll(torch.eye(2 * n), n, 1) if m == "simclr" else (self.label[:, None] == self.label[None]).float()
            if m == "wsp":
                h = self.position[:, 0]
                like = like * torch.exp(-(h[:, None] - h[None]) ** 2 / 2e4)
            like.fill_diagonal_(0)
            return contrast(F.normalize(torch.cat(z)), like / like.sum(1, keepdim=True), 0.5 if m == "simclr" else 0.1)
        if m == "moco":
            q, k = F.normalize(torch.cat(z)), F.normalize(torch.cat(keys[::-1]))
            logits = torch.cat([(q * k).sum(1, keepdim=True), q @ self.queue.T], 1) / 0.5
            self.fresh = k
            return F.cross_entropy(logits, torch.zeros(2 * n, dtype=torch.long))
        if m == "byol":
            return sum(2 - 2 * F.cosine_similarity(out[i], keys[1 - i]).mean() for i in (0, 1))
        if m == "swav":
            scores = [self.head(F.normalize(x)) for x in z]
            return sum(-(sinkhorn(scores[i].detach()) * F.log_softmax(scores[1 - i] / 0.1, 1)).sum(1).mean() for i in (0, 1)) / 2
        if m == "dino":
            with torch.no_grad():
                t = [self.teacher[2](F.normalize(k)) for k in keys]
                q = [F.softmax((x - self.centre) / 0.04, 1) for x in t]
                self.fresh = torch.cat(t).mean(0, keepdim=True)
            s = [F.log_softmax(self.head(F.normalize(x)) / 0.1, 1) for x in z]
            return sum(-(q[i] * s[v]).sum(1).mean() for i in (0, 1) for v in range(self.views) if v != i) / (2 * (self.views - 1))
        if m == "smog":
            e, p, t = torch.cat(z), torch.cat(out), torch.cat(keys[::-1])
            g = F.normalize(self.groups)
            with torch.no_grad():
                target = (F.normalize(t) @ g.T).argmax(1)
                own = F.one_hot((F.normalize(e) @ g.T).argmax(1), 300).float()
                count = own.sum(0)
            moved = torch.where(count[:, None] > 0, 0.99 * self.groups + 0.01 * (own.T @ e) / count.clamp(min=1)[:, None], self.groups)
            self.fresh = (moved.detach(), e.detach())
            return F.cross_entropy(F.normalize(p) @ F.normalize(moved).T / 0.1, target)
        z = F.normalize(z[0]).reshape(self.views, n, -1)
        crops, octants = z[:-8].transpose(0, 1), z[-8:].transpose(0, 1)
        cosine = F.relu(crops @ octants.detach().transpose(1, 2)).transpose(0, 1)
        apart = (octants @ octants.transpose(1, 2)).abs().sum() - n * 8
        loss = -torch.log(1 - (self.share - cosine).abs() + 1e-6).mean() + apart / (n * 56)
        return loss if m == "voco" else loss + F.cross_entropy(self.head(y[0]), self.label)

    @torch.no_grad()
    def after(self):
        m = self.method
        if self.teacher is not None:
            torch._foreach_mul_(list(self.teacher.parameters()), 0.996)
            torch._foreach_add_(list(self.teacher.parameters()), list(self.student.parameters()), alpha=0.004)
        if m in ("swav", "dino"):
            self.head.weight.copy_(F.normalize(self.head.weight))
        if m == "dino":
            self.centre.mul_(0.9).add_(self.fresh, alpha=0.1)
            self.teacher[2].weight.copy_(F.normalize(self.teacher[2].weight))
        if m in ("moco", "smog"):
            ring, rows = (self.queue, self.fresh) if m == "moco" else (self.bank, self.fresh[1])
            where = (torch.arange(len(rows)) + self.at) % len(ring)
            ring[where] = rows
            self.at = (self.at + len(rows)) % len(ring)
        if m == "smog":
            self.groups = self.fresh[0]

    def __call__(self):
        self.loss().backward()
        self.lars.step(0.05)
        self.after()


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--threads", type=int, default=os.cpu_count())
    ask.add_argument("--format", choices=("contiguous", "channels_last"), default="contiguous")
    ask = ask.parse_args()
    torch.set_num_threads(ask.threads)
    memory_format = torch.channels_last_3d if ask.format == "channels_last" else torch.contiguous_format
    made = {}
    for line in sys.stdin:
        method, pairs, repeat, *backbone = line.split()
        case = (method, pairs, *backbone)
        try:
            if case not in made:
                made.clear()  # one at a time: memory
                made[case] = Step(method, int(pairs), memory_format, *backbone)
                made[case]()
        except ImportError as missing:
            print(f"torch missing={missing.name} version={torch.__version__}", flush=True)
            continue
        best = least = math.inf
        for _ in range(int(repeat)):
            begun, cpu = time.perf_counter(), time.process_time()
            made[case]()
            best, least = min(best, time.perf_counter() - begun), min(least, time.process_time() - cpu)
        params = sum(p.numel() for p in made[case].student.parameters())
        print(f"torch method={method} backbone={''.join(backbone) or 'resnet18'} pairs={pairs} step_s={best:.5f} cpu_s={least:.5f} params={params} "
              f"threads={ask.threads} version={torch.__version__}", flush=True)


if __name__ == "__main__":
    main()
