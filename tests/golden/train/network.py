# SPDX-License-Identifier: Apache-2.0
"""The network, loss and optimiser of Petrel in plain PyTorch, for golden numbers. Written from the method's
description: ResNet with basic blocks (shortcut B), PEB, projection head; VICReg with means; LARS.
Debian's python3-torch 1.13.1."""
import json
import math
import struct

import numpy
import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1 = nn.Conv3d(c_in, c_out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm3d(c_out)
        self.conv2 = nn.Conv3d(c_out, c_out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm3d(c_out)
        if stride != 1 or c_in != c_out:
            self.downsample = nn.Sequential(nn.Conv3d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm3d(c_out))

    def forward(self, x):
        shortcut = self.downsample(x) if hasattr(self, "downsample") else x
        y = F.relu(self.bn1(self.conv1(x)))
        return F.relu(self.bn2(self.conv2(y)) + shortcut)


class Backbone(nn.Module):
    def __init__(self, width, blocks=(2, 2, 2, 2), stem_stride=(1, 2, 2), channels=1):
        super().__init__()
        self.conv1 = nn.Conv3d(channels, width, 7, stem_stride, 3, bias=False)
        self.bn1 = nn.BatchNorm3d(width)
        c = width
        for layer, n in enumerate(blocks):
            c_out = width << layer
            steps = [Block(c if i == 0 else c_out, c_out, 2 if layer and i == 0 else 1) for i in range(n)]
            setattr(self, f"layer{layer + 1}", nn.Sequential(*steps))
            c = c_out

    def forward(self, x):
        x = F.max_pool3d(F.relu(self.bn1(self.conv1(x))), 3, 2, 1)
        for layer in range(4):
            x = getattr(self, f"layer{layer + 1}")(x)
        return x.mean((2, 3, 4))


class Peb(nn.Module):
    """parts: which threes of the nine numbers it sees; y of `backbones` times E numbers"""

    def __init__(self, E, parts=(0, 1, 2), norm="layer", backbones=1):
        super().__init__()
        self.columns = [3 * part + i for part in parts for i in range(3)]
        self.norm = F.normalize if norm == "l2" else lambda x: F.layer_norm(x, x.shape[1:])
        self.weight = nn.Parameter(torch.randn(1, len(self.columns)))
        self.position = nn.Linear(len(self.columns), E)
        self.mix = nn.Linear((backbones + 1) * E, E)

    def forward(self, y, p):
        q = self.position(p[:, self.columns] * self.weight)
        return self.mix(torch.cat([self.norm(y), self.norm(q)], 1))


class Network(nn.Module):
    """late: PET and CT each have a backbone; their features stand side by side. position False: no PEB"""

    def __init__(self, width=64, projection=2048, hidden=128, channels=1, blocks=(2, 2, 2, 2), late=False, position=True):
        super().__init__()
        E = 8 * width
        self.backbone = Backbone(width, blocks, channels=1 if late else channels)
        if late:
            self.backbone_ct = Backbone(width, blocks)
        if position:
            self.peb = Peb(E, backbones=2 if late else 1)
        elif late:
            E *= 2
        self.projection = nn.Sequential(nn.Linear(E, projection, bias=False), nn.BatchNorm1d(projection), nn.ReLU(),
                                        nn.Linear(projection, projection))
        self.classifier = nn.Sequential(nn.Linear(E, hidden), nn.ReLU(), nn.Linear(hidden, 2))
        for m in self.modules():
            if isinstance(m, nn.Conv3d):
                k, c = m.kernel_size, m.out_channels
                nn.init.normal_(m.weight, 0, math.sqrt(2 / (k[0] * k[1] * c)))

    def embed(self, box, position):
        y = self.backbone(box[:, :1]) if hasattr(self, "backbone_ct") else self.backbone(box)
        if hasattr(self, "backbone_ct"):
            y = torch.cat([y, self.backbone_ct(box[:, 1:])], 1)
        return self.peb(y, position) if hasattr(self, "peb") else y


def numbers(begin, *shape):
    """numbers begin, begin + 1 ... of a sequence in [-2, 2): 16 bits of a mixed counter, exact in float32"""
    x = numpy.arange(begin + 1, begin + 1 + math.prod(shape), dtype=numpy.uint32)
    for shift, factor in ((16, 0x7feb352d), (15, 0x846ca68b), (16, 1)):
        x = (x ^ x >> numpy.uint32(shift)) * numpy.uint32(factor)
    return torch.from_numpy((x & 0xffff).astype("f8") / 16384 - 2).reshape(shape)


def vicreg(za, zb):
    """invariance, variance, covariance; means over rows and columns, as the method's page has them"""
    n, d = za.shape
    inv = ((za - zb) ** 2).mean()
    var, cov = 0, 0
    for z in (za, zb):
        z = z - z.mean(0)
        var = var + F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean() / 2
        C = z.T @ z / (n - 1)
        cov = cov + (C - torch.diag(torch.diag(C))).pow(2).sum() / d
    return inv, var, cov


def focal(logits, label, alpha=0.55, gamma=2.0):
    log_p = F.log_softmax(logits, 1).gather(1, label[:, None])[:, 0]
    return (alpha * (1 - log_p.exp()) ** gamma * -log_p).mean()


class Lars:
    def __init__(self, params, momentum=0.9, decay=1e-6, trust=1e-3):
        self.params, self.momentum, self.decay, self.trust = list(params), momentum, decay, trust
        self.m = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self, lr):
        for p, m in zip(self.params, self.m):
            g = p.grad
            if p.ndim > 1:
                g = g + self.decay * p
                a, b = p.norm(), g.norm()
                g = g * (self.trust * a / b if a > 0 and b > 0 else 1)
            m.mul_(self.momentum).add_(g)
            p.sub_(lr * m)


def pretraining_params(net):
    return [(n, p) for n, p in net.named_parameters() if not n.startswith("classifier")]


def pretrain_step(net, lars, box, position, lr):
    """Both views forward in two passes, loss and gradients; with lars, one step. box [2n,...], view a first"""
    n = len(box) // 2
    net.zero_grad()
    e = [net.embed(box[v * n:(v + 1) * n], position[v * n:(v + 1) * n]) for v in range(2)]
    z = [net.projection(x) for x in e]
    terms = vicreg(*z)
    (25 * terms[0] + 25 * terms[1] + terms[2]).backward()
    if lars:
        lars.step(lr)
    return torch.cat(e), torch.cat(z), terms


def write_safetensors(path, tensors, metadata):
    header, at, blobs = {"__metadata__": metadata}, 0, []
    for name, t in tensors.items():
        a = t.detach().cpu().numpy() if isinstance(t, torch.Tensor) else numpy.asarray(t)
        kind, dtype = ("I64", "<i8") if a.dtype.kind == "i" else ("F32", "<f4")
        blob = numpy.ascontiguousarray(a.astype(dtype)).tobytes()
        header[name] = {"dtype": kind, "shape": list(a.shape), "data_offsets": [at, at + len(blob)]}
        at += len(blob)
        blobs.append(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def read_safetensors(path):
    with open(path, "rb") as f:
        data = f.read()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + length])
    base, out = 8 + length, {}
    for name, t in header.items():
        if name != "__metadata__":
            a, b = t["data_offsets"]
            kind = {"F32": "<f4", "I64": "<i8"}[t["dtype"]]
            out[name] = torch.from_numpy(numpy.frombuffer(data[base + a:base + b], kind).reshape(t["shape"]).copy())
    return out, header.get("__metadata__", {})
