#!/usr/bin/python3
"""The whole network, as petrel-train runs it, against PyTorch: same weights, same pairs, K steps; losses and parameters
compared.
Not part of the test suite (it wants minutes and 3 GB).
    apt-get install python3-torch python3-h5py
    /usr/bin/python3 compare_full.py CACHE [--pairs 8] [--steps 3] [--lr 0.02] [--backend cpu] [--double]"""
import argparse
import csv
import os
import random
import subprocess
import tempfile
import time

import torch

from cache import read_boxes
from network import Lars, Network, pretrain_step, pretraining_params, read_safetensors, write_safetensors

ask = argparse.ArgumentParser()
ask.add_argument("cache")
ask.add_argument("--pairs", type=int, default=8)
ask.add_argument("--steps", type=int, default=3)
ask.add_argument("--lr", type=float, default=0.02)
ask.add_argument("--backend", default="cpu")
ask.add_argument("--double", action="store_true")
ask.add_argument("--bin", default=os.environ.get("PETREL_BIN", "build/bin"))
ask = ask.parse_args()
dtype = torch.float64 if ask.double else torch.float32

box, position = (torch.from_numpy(a) for a in read_boxes(ask.cache))

random.seed(5)
rows = [(random.randrange(len(box)), random.randrange(len(box))) for _ in range(ask.pairs * ask.steps)]
torch.manual_seed(5)
net = Network().to(dtype)
with tempfile.TemporaryDirectory() as tmp:
    begin, pairs = os.path.join(tmp, "begin.safetensors"), os.path.join(tmp, "pairs.tsv")
    write_safetensors(begin, {n: t for n, t in net.state_dict().items() if not n.startswith("classifier")}, {})
    with open(pairs, "w") as f:
        f.writelines(f"{a}\t{b}\n" for a, b in rows)
    command = [os.path.join(ask.bin, "petrel-train"), "pretrain", "--cache", ask.cache, "--run", tmp,
               "--init", begin, "--pair-list", pairs, "--out", os.path.join(tmp, "end.safetensors"),
               "--backend", ask.backend, "--steps", str(ask.steps), "--batch", str(ask.pairs),
               "--lr", str(ask.lr), "--warmup", "0", "--schedule-length", "1e9"]
    subprocess.run(command, check=True)
    with open(os.path.join(tmp, "losses.csv")) as f:
        terms = ("invariance", "variance", "covariance")
        losses = [[float(r[k]) for k in terms] for r in csv.DictReader(f) if r["set"] == "train"]
    ours, _ = read_safetensors(os.path.join(tmp, "end.safetensors"))

before = {n: p.detach().clone() for n, p in pretraining_params(net)}
lars = Lars([p for _, p in pretraining_params(net)])
for step in range(ask.steps):
    a = [r[0] for r in rows[step * ask.pairs:(step + 1) * ask.pairs]]
    b = [r[1] for r in rows[step * ask.pairs:(step + 1) * ask.pairs]]
    begun = time.time()
    _, _, terms = pretrain_step(net, lars, box[a + b].to(dtype), position[a + b].to(dtype), ask.lr)
    theirs = [float(t) for t in terms]
    off = [abs(x - y) / abs(y) for x, y in zip(losses[step], theirs)]
    print(f"step {step}: torch {theirs}, petrel {losses[step]}, relative difference {max(off):.2g}; "
          f"torch took {time.time() - begun:.2f} s")
worst, way = 0, 0
for name, p in net.state_dict().items():
    if name in ours and p.dtype.is_floating_point:
        worst = max(worst, float((p - ours[name]).norm() / p.norm().clamp(min=1e-12)))
        if name in before and p.ndim > 1:
            way = max(way, float((p - ours[name]).norm() / (p - before[name]).norm().clamp(min=1e-12)))
print(f"after {ask.steps} steps: tensors differ by at most {worst:.2g} of their norm; "
      f"weights by {way:.2g} of the way they went")
