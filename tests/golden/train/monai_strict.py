#!/usr/bin/python3
"""Petrel's backbone in MONAI's resnet18 and MONAI's in Petrel's, strict=True; the same embeddings to 1e-5 of the largest.
Not part of the test suite (it wants MONAI). CACHE: any cache of regions; pipelines/rois.sh makes one.
    apt-get install python3-torch python3-h5py
    /usr/bin/python3 -m venv --system-site-packages venv; venv/bin/pip install monai==1.0.1      (and again with 1.3.2)
    PETREL_BIN=build/bin venv/bin/python monai_strict.py CACHE

MONAI's shortcut convolution has a bias (always in 1.0.1; unless bias_downsample=False from 1.3 on); Petrel's has none.
It does nothing before a batch norm. So ours into MONAI 1.0.1 takes three zero biases, and theirs into ours is folded
into the running mean by --init.

Result, simulated cache of 104 regions, Debian 12's torch 1.13.1: strict=True matches every key both ways for stem strides
1,2,2 and 1,1,1, with MONAI 1.0.1 and 1.3.2; embeddings off by at most 2.2e-6 of the largest."""
import os
import subprocess
import sys
import tempfile

import monai
import torch
from monai.networks.nets import resnet18

from cache import petrel_embeddings, read_boxes
from network import read_safetensors, write_safetensors

cache, bin_dir = sys.argv[1], os.environ.get("PETREL_BIN", "build/bin")
box = torch.from_numpy(read_boxes(cache)[0]).float()
worst = 0


def network(stride, **more):
    torch.manual_seed(3)
    net = resnet18(spatial_dims=3, n_input_channels=1, shortcut_type="B", conv1_t_stride=stride, feed_forward=False,
                   **more)
    for name, t in net.state_dict().items():  # statistics and biases away from what they begin as
        if "running_mean" in name or name.endswith("bias"):
            t.normal_(0, 0.1)
        elif "running_var" in name:
            t.uniform_(0.5, 1.5)
    return net.eval()


def compare(what, net, model, tmp):
    global worst
    rows, _, ours = petrel_embeddings(bin_dir, cache, model, os.path.join(tmp, "embeddings.tsv"))
    with torch.no_grad():
        theirs = net(box[rows]).flatten(1)
    ours = torch.from_numpy(ours)
    off = float((ours - theirs).abs().max() / theirs.abs().max())
    worst = max(worst, off)
    print(f"{what}: {ours.shape[0]} boxes, {ours.shape[1]} features, off by {off:.2g}")


def petrel(*words):
    subprocess.run([os.path.join(bin_dir, "petrel-train"), *words, "--quiet", "--no-position"], check=True)


with tempfile.TemporaryDirectory() as tmp:
    path = lambda name: os.path.join(tmp, name)
    for stride in ((1, 2, 2), (1, 1, 1)):
        settings = ("--stem-stride", ",".join(map(str, stride)))
        # theirs into ours: named as a part of our network, or bare, or as DataParallel saves them
        net = network(stride)
        for prefix in ("backbone.", "", "module."):
            write_safetensors(path("theirs"), {prefix + n: t for n, t in net.state_dict().items()}, {})
            petrel("export", "--init", path("theirs"), "--model", path("ours"), *settings)
            compare(f"stem {stride}, MONAI's '{prefix}conv1.weight' into Petrel", net, path("ours"), tmp)
        # a step of fine-tuning from them changes them
        with open(path("pairs.tsv"), "w") as f:
            f.writelines(f"{i}\t{i + 8}\n" for i in range(8))
        petrel("pretrain", "--init", path("theirs"), "--cache", cache, "--pair-list", path("pairs.tsv"), "--batch", "8",
               "--steps", "1", "--run", path("run" + str(stride[1])), "--out", path("tuned"), *settings)
        tuned = {n: t for n, t in read_safetensors(path("tuned"))[0].items() if n.startswith("backbone.")}
        assert not torch.equal(tuned["backbone.conv1.weight"], net.state_dict()["conv1.weight"])
        # ours into theirs
        tuned = {n[len("backbone."):]: t for n, t in tuned.items()}
        if hasattr(monai.networks.nets.resnet, "get_medicalnet_pretrained_resnet_args"):  # 1.3: nothing to add
            net = network(stride, bias_downsample=False)
        else:
            tuned.update({n: torch.zeros_like(t) for n, t in net.state_dict().items() if n.endswith("downsample.0.bias")})
        print(net.load_state_dict(tuned, strict=True))
        compare(f"stem {stride}, Petrel's into MONAI's", net, path("tuned"), tmp)
print(f"MONAI {monai.__version__}, torch {torch.__version__}: {'equal' if worst < 1e-5 else 'DIFFERENT'}, worst {worst:.2g}")
sys.exit(worst >= 1e-5)
