# SPDX-License-Identifier: Apache-2.0
"""Boxes, positions and embeddings of a cache, for the scripts beside this one. python3-h5py."""
import csv
import os
import subprocess

import h5py
import numpy


def read_boxes(cache):
    """box [n,C,16,16,16], each channel of mean 0 and sd 1 (HU within -1024..1024 before), position [n,9] oriented, mm: as the paper recipe has them; in rows' order"""
    shards = []  # rows are numbered over the shards in order of index, then run
    with open(os.path.join(cache, "manifest")) as f:
        for line in f:
            part = line.rstrip("\n").split("\t")
            if part[0] == "shard":
                shards.append((int(part[2]), part[1], part[3]))
    box, position = [], []
    for _, _, name in sorted(shards):
        with h5py.File(os.path.join(cache, name)) as f:
            box.append(f["box"][...].astype("f8"))
            position.append(f["position"][:, 3].astype("f8"))
    box, position = numpy.concatenate(box), numpy.concatenate(position)
    box[:, 1:] = box[:, 1:].clip(-1024, 1024)
    flat = box.reshape(len(box), box.shape[1], -1)
    sd = flat.std(2, ddof=1, keepdims=True)
    flat = (flat - flat.mean(2, keepdims=True)) / numpy.where(sd > 0, sd, 1)
    return flat.reshape(box.shape), position


TERMS = ("invariance", "variance", "covariance")


def petrel_pretrain(ask, tmp, begin, rows, lr, *more):
    """the loss terms of every step on these pairs of rows; ask: bin, cache, backend, pairs (a step). What was learned is tmp/end"""
    pairs, run = os.path.join(tmp, "pairs.tsv"), os.path.join(tmp, "run")
    with open(pairs, "w") as f:
        f.writelines(f"{a}\t{b}\n" for a, b in rows)
    subprocess.run([os.path.join(ask.bin, "petrel-train"), "pretrain", "--quiet", "--restart", "--cache", ask.cache, "--run", run,
                    "--init", begin, "--pair-list", pairs, "--out", os.path.join(tmp, "end"), "--backend", ask.backend,
                    "--steps", str(len(rows) // ask.pairs), "--batch", str(ask.pairs), "--lr", str(lr), "--warmup", "0",
                    "--schedule-length", "1e9", *more], check=True)
    with open(os.path.join(run, "losses.csv")) as f:
        return [[float(r[k]) for k in TERMS] for r in csv.DictReader(f) if r["set"] == "train"]


def petrel_embeddings(bin_dir, cache, model, out, split="all"):
    """rows, probabilities (nan without a classifier) and embeddings as petrel-eval embed gives them"""
    subprocess.run([os.path.join(bin_dir, "petrel-eval"), "embed", "--quiet", "--cache", cache, "--model", model,
                    "--split", split, "--out", out], check=True, stdout=subprocess.DEVNULL)
    with open(out) as f:
        lines = [line.rstrip("\n").split("\t") for line in f if not line.startswith("#")]
    number = {name: i for i, name in enumerate(lines[0])}
    first = number["e0"]
    rows = [int(line[0]) for line in lines[1:]]
    chance = [float(line[number["probability"]] or "nan") for line in lines[1:]]
    return rows, numpy.array(chance), numpy.array([[float(x) for x in line[first:]] for line in lines[1:]])
