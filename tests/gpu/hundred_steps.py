#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""hundred_steps -- the paper's network for 100 steps, petrel-train's and PyTorch's, from the same weights on the same pairs.   tests/gpu

    PETREL_BIN=build/bin hundred_steps.py CACHE [--backend cuda] [--precision float32|bfloat16] [--steps 100] [--pairs 32]

A Python with torch and h5py. PyTorch computes in float32, on the GPU where it has one. Two trainings that round differently part ways a
little at every step, as two runs of PyTorch on two machines do; what must agree is the curve. Of the weighted loss, step
by step: half of the steps within MEDIAN of each other, all within MOST, or within TIMES what PyTorch is from itself when its first
weights are off by a rounding; and both must have fallen. Exit 77: something is not installed.
"""
import argparse
import copy
import os
import random
import sys
import tempfile

golden = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "golden", "train")
sys.path.insert(0, golden)
try:
    import torch
    from cache import petrel_pretrain, read_boxes
    from network import Lars, Network, pretrain_step, pretraining_params, write_safetensors
except ImportError as missing:
    print(f"skipped: {missing}: wants torch, numpy and h5py")
    sys.exit(77)

# relative to the loss
MEDIAN, MOST = {"float32": 0.005, "bfloat16": 0.03}, {"float32": 0.05, "bfloat16": 0.2}
TIMES = 2
WEIGHT = (25, 25, 1)

ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ask.add_argument("cache")
ask.add_argument("--backend", default="cuda")
ask.add_argument("--precision", choices=tuple(MEDIAN), default="float32")
ask.add_argument("--steps", type=int, default=100)
ask.add_argument("--pairs", type=int, default=32)
ask.add_argument("--lr", type=float, default=0.05)
ask.add_argument("--bin", default=os.environ.get("PETREL_BIN", "build/bin"))
ask = ask.parse_args()

torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
device = "cuda" if torch.cuda.is_available() else "cpu"
box, position = (torch.from_numpy(a).float() for a in read_boxes(ask.cache))
random.seed(5)
rows = [(random.randrange(len(box)), random.randrange(len(box))) for _ in range(ask.pairs * ask.steps)]
torch.manual_seed(5)
net = Network()

with tempfile.TemporaryDirectory() as tmp:
    begin = os.path.join(tmp, "begin")
    write_safetensors(begin, {n: t for n, t in net.state_dict().items() if not n.startswith("classifier")}, {})
    ours = [sum(w * t for w, t in zip(WEIGHT, terms))
            for terms in petrel_pretrain(ask, tmp, begin, rows, ask.lr, "--precision", ask.precision)]


def train(net):
    net = net.to(device)
    lars = Lars([p for _, p in pretraining_params(net)])
    loss = []
    for at in range(0, len(rows), ask.pairs):
        both = [r[v] for v in (0, 1) for r in rows[at:at + ask.pairs]]
        terms = pretrain_step(net, lars, box[both].to(device), position[both].to(device), ask.lr)[2]
        loss.append(sum(w * float(t) for w, t in zip(WEIGHT, terms)))
    return loss


def apart(a, b):
    off = sorted(abs(x - y) / abs(y) for x, y in zip(a, b))
    return off[len(off) // 2], off[-1]


nudged = copy.deepcopy(net)
with torch.no_grad():
    for p in nudged.parameters():
        p.mul_(1 + 2.0 ** -23 * torch.randint_like(p, 2))
theirs = train(net)
own = apart(train(nudged), theirs)
median, most = apart(ours, theirs)
limit = [max(least[ask.precision], TIMES * o) for least, o in zip((MEDIAN, MOST), own)]
tenth = max(1, ask.steps // 10)
fell = [sum(x[-tenth:]) < sum(x[:tenth]) for x in (ours, theirs)]
print(f"{ask.steps} steps of {ask.pairs} pairs, {ask.backend} {ask.precision} and PyTorch {torch.__version__} float32 on {device}: loss "
      f"{ours[0]:.4f} to {ours[-1]:.4f}, {theirs[0]:.4f} to {theirs[-1]:.4f}; relative difference median {median:.2g}, most {most:.2g}; "
      f"PyTorch from itself, a rounding off: {own[0]:.2g}, {own[1]:.2g}")
if len(ours) != ask.steps or not (median <= limit[0] and most <= limit[1] and all(fell)):
    sys.exit("DIFFERENT")
