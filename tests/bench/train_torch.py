#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""train_torch -- one pretraining step and inference of the paper's network in PyTorch: step.c's peer.   tests/bench

    apt-get install python3-torch        (Debian 12: 1.13.1, CPU)
    pip install torch                    (the newest: tests/peers.sh --newest)
    train_torch.py [--threads 2] [--pairs 128] [--repeat 3] [--format contiguous|channels_last] [--precision float32|bfloat16]

The same work as step.c: 3-D ResNet18 (stem stride 1,2,2), PEB, projection 512-2048-2048; two views of --pairs boxes each;
VICReg as lightly 1.5 computes it; LARS. PyTorch at its best: activations in place, the covariance without masks, LARS in
place and tensor by tensor (with foreach operations a step of 8 pairs was 2 to 7 % slower), gradients dropped and not zeroed.
run.sh sets glibc's thresholds so that freed memory is kept (a step of 32 pairs twice as fast for 4 % more memory) and takes the
faster memory format. Peak memory is the process's largest resident set, as in step.c, which counts its inference, too.
--precision bfloat16 is torch.autocast: convolutions and linear layers in bfloat16, VICReg, statistics, weights and LARS in float32.
One line in step.c's form.
"""
import argparse
import os
import resource
import sys
import time

try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; apt-get install python3-torch", file=sys.stderr)
    sys.exit(77)
from torch import nn
from torch.nn import functional as F

PARAMETERS = 38_938_953


class Block(nn.Module):
    def __init__(self, c_in, c_out, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv3d(c_in, c_out, 3, stride, 1, bias=False), nn.BatchNorm3d(c_out)
        self.conv2, self.bn2 = nn.Conv3d(c_out, c_out, 3, 1, 1, bias=False), nn.BatchNorm3d(c_out)
        self.down = None
        if stride != 1 or c_in != c_out:
            self.down = nn.Sequential(nn.Conv3d(c_in, c_out, 1, stride, bias=False), nn.BatchNorm3d(c_out))

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)), inplace=True)))
        return F.relu(y.add_(self.down(x) if self.down else x), inplace=True)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv3d(1, 64, 7, (1, 2, 2), 3, bias=False), nn.BatchNorm3d(64), nn.ReLU(inplace=True),
                                  nn.MaxPool3d(3, 2, 1))
        widths = (64, 64, 128, 256, 512)
        self.layers = nn.Sequential(*(Block(widths[i if block == 0 else i + 1], widths[i + 1], 2 if i and block == 0 else 1)
                                      for i in range(4) for block in range(2)))
        self.weight = nn.Parameter(torch.randn(1, 9))
        self.position, self.mix = nn.Linear(9, 512), nn.Linear(1024, 512)

    def forward(self, box, position):
        y = self.layers(self.stem(box)).mean((2, 3, 4))
        q = self.position(position * self.weight)
        return self.mix(torch.cat([F.layer_norm(y, (512,)), F.layer_norm(q, (512,))], 1))


def projector():
    return nn.Sequential(nn.Linear(512, 2048, bias=False), nn.BatchNorm1d(2048), nn.ReLU(inplace=True), nn.Linear(2048, 2048))


def vicreg(za, zb):
    n, d = za.shape
    loss = 25 * F.mse_loss(za, zb)
    for z in (za, zb):
        z = z - z.mean(0)
        loss = loss + 25 * 0.5 * F.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()
        covariance = z.T @ z / (n - 1)
        loss = loss + (covariance.pow(2).sum() - covariance.diagonal().pow(2).sum()) / d
    return loss


class Lars:
    def __init__(self, params, momentum=0.9, decay=1e-6, trust=1e-3):
        self.params, self.momentum, self.decay, self.trust = list(params), momentum, decay, trust
        self.m = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self, lr):
        for p, m in zip(self.params, self.m):
            g = p.grad
            if p.ndim > 1:
                g.add_(p, alpha=self.decay)
                a, b = float(p.norm()), float(g.norm())
                if a > 0 and b > 0:
                    g.mul_(self.trust * a / b)
            m.mul_(self.momentum).add_(g)
            p.add_(m, alpha=-lr)
            p.grad = None


def best_of(what, repeat):
    what()
    best = float("inf")
    for _ in range(repeat):
        begun = time.perf_counter()
        what()
        best = min(best, time.perf_counter() - begun)
    return best


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--threads", type=int, default=os.cpu_count())
    ask.add_argument("--pairs", type=int, default=128)
    ask.add_argument("--repeat", type=int, default=3)
    ask.add_argument("--format", choices=("contiguous", "channels_last"), default="contiguous")
    ask.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    ask = ask.parse_args()
    torch.set_num_threads(ask.threads)
    torch.manual_seed(1)
    memory_format = torch.channels_last_3d if ask.format == "channels_last" else torch.contiguous_format
    encoder = Encoder().to(memory_format=memory_format)
    projection = projector()
    params = list(encoder.parameters()) + list(projection.parameters())
    assert sum(p.numel() for p in params) == PARAMETERS
    lars = Lars(params)
    box = torch.randn(2 * ask.pairs, 1, 16, 16, 16).to(memory_format=memory_format)
    position = torch.randn(2 * ask.pairs, 9)

    def precision():
        return torch.autocast("cpu", dtype=torch.bfloat16, enabled=ask.precision == "bfloat16")

    def train_once():
        with precision():
            views = [projection(encoder(b, p)) for b, p in zip(box.chunk(2), position.chunk(2))]
        vicreg(*(z.float() for z in views)).backward()
        lars.step(0.05)

    def infer_once():
        with torch.inference_mode(), precision():
            encoder(box, position)

    step_s = best_of(train_once, ask.repeat)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    train_once()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - faults
    peak_gib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
    encoder.eval().to(memory_format=torch.contiguous_format)  # channels_last is many times slower at inference in this version
    box = box.contiguous()
    infer_s = best_of(infer_once, ask.repeat)
    print(f"torch pairs={ask.pairs} precision={ask.precision} step_s={step_s:.4f} infer_s={infer_s:.4f} boxes_per_s={2 * ask.pairs / infer_s:.0f} "
          f"peak_gib={peak_gib:.2f} threads={ask.threads} format={ask.format} page_faults_a_step={faults} version={torch.__version__}")


if __name__ == "__main__":
    main()
