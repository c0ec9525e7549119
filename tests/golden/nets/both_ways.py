# SPDX-License-Identifier: Apache-2.0
"""Every backbone's weights from its library (reference.py) into Petrel by --init and back with strict=True; the same embeddings to
1e-5 of the largest; and as ONNX, run by onnxruntime, to 1e-4. Narrow networks (narrow.py), names and shapes of the wide ones.
tests/cli/peers.bats runs it with the Python of tests/peers.sh.
    PETREL_BIN=build/bin build/peers/bin/python both_ways.py CACHE [BACKBONE...]"""
import os
import subprocess
import sys
import tempfile

import onnx
import onnxruntime
import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))
from cache import petrel_embeddings, read_boxes  # noqa: E402
from network import read_safetensors, write_safetensors  # noqa: E402
from narrow import NARROW, words  # noqa: E402
from reference import backbone  # noqa: E402

TOLERANCE, ONNX_TOLERANCE = 1e-5, 1e-4  # of the largest
HEADS = {"resnet18": "fc", "seresnet50": "last_linear", "efficientnet_b0": "_fc", "vit": "classification_head.0",
         "densenet": "class_layers.out"}  # what those libraries' files have besides
cache, bin_dir = sys.argv[1], os.environ.get("PETREL_BIN", "build/bin")
names = sys.argv[2:] or list(NARROW)
box = torch.from_numpy(read_boxes(cache)[0]).float()
wrong = []


def off(ours, theirs):
    return float(abs(ours - theirs).max() / abs(theirs).max())


for name in names:
    settings = NARROW[name]
    torch.manual_seed(3)
    net = backbone(name, box.shape[1], **settings).eval()
    for key, t in net.state_dict().items():  # statistics, biases and embeddings away from what they begin as
        if "running_var" in key:
            t.uniform_(0.5, 1.5)
        elif "running_mean" in key or key.endswith("bias") or "token" in key:
            t.normal_(0, 0.1)
    with tempfile.TemporaryDirectory() as tmp:
        path = lambda file: os.path.join(tmp, file)
        petrel = lambda *more: subprocess.run([os.path.join(bin_dir, "petrel-train"), *more, "--quiet", "--no-position",
                                               "--backbone", name, *words(settings)], check=True)
        embeddings = lambda model: petrel_embeddings(bin_dir, cache, model, path("embeddings.tsv"), "validation")
        theirs = dict(net.state_dict())
        if name in HEADS:
            theirs[HEADS[name] + ".weight"] = torch.zeros(3, 5)
        write_safetensors(path("theirs"), theirs, {})
        petrel("export", "--init", path("theirs"), "--model", path("ours"), "--onnx", path("ours.onnx"))
        rows, _, ours = embeddings(path("ours"))
        with torch.no_grad():
            expected = net(box[rows]).numpy()
        there = off(ours, expected)
        onnx.checker.check_model(path("ours.onnx"), full_check=True)
        session = onnxruntime.InferenceSession(path("ours.onnx"), providers=["CPUExecutionProvider"])
        told = off(session.run(["embedding"], {"box": box[rows].numpy()})[0], expected)
        # a step of fine-tuning from them, and back
        with open(path("pairs.tsv"), "w") as f:
            f.writelines(f"{i}\t{i + 8}\n" for i in range(8))
        petrel("pretrain", "--init", path("theirs"), "--cache", cache, "--pair-list", path("pairs.tsv"), "--batch", "8",
               "--projection-width", "32", "--steps", "1", "--run", path("run"), "--out", path("tuned"))
        tuned = {n[9:]: t for n, t in read_safetensors(path("tuned"))[0].items() if n.startswith("backbone.")}
        assert any(not torch.equal(t, net.state_dict()[n]) for n, t in tuned.items())
        print(net.load_state_dict(tuned, strict=True), end=" ")
        rows, _, ours = embeddings(path("tuned"))
        with torch.no_grad():
            back = off(ours, net(box[rows]).numpy())
    good = there <= TOLERANCE and back <= TOLERANCE and told <= ONNX_TOLERANCE
    wrong += [] if good else [name]
    print(f"{name}: {len(theirs)} tensors, {ours.shape[1]} features of {len(rows)} boxes: into Petrel {there:.2g}, back {back:.2g}, "
          f"onnxruntime {told:.2g}: {'equal' if good else 'DIFFERENT'}", flush=True)
sys.exit(bool(wrong))
