# SPDX-License-Identifier: Apache-2.0
"""Petrel's backbone in MONAI's resnet18 and MONAI's in Petrel's, strict=True; the same embeddings to 1e-5 of the largest.
tests/cli/peers.bats runs it with the Python of tests/peers.sh, with MONAI 1.0.1 and 1.3.2.
    PETREL_BIN=build/bin build/peers/bin/python monai_strict.py CACHE [STRIDE]      STRIDE: of the stem, 1,2,2 or 1,1,1
CACHE: any cache of regions that is split; pipelines/rois.sh makes one. 1,1,1 is how Med3D's weights have it.

MONAI's shortcut convolution has a bias (always in 1.0.1; unless bias_downsample=False from 1.3 on); Petrel's has none.
It does nothing before a batch norm. So ours into MONAI 1.0.1 takes three zero biases, and theirs into ours is folded
into the running mean by --init."""
import os
import subprocess
import sys
import tempfile

import monai
import torch
from monai.networks.nets import resnet18

from cache import petrel_embeddings, read_boxes
from network import read_safetensors, write_safetensors

TOLERANCE = 1e-5  # of the largest; 2e-6 was seen
cache, bin_dir = sys.argv[1], os.environ.get("PETREL_BIN", "build/bin")
stride = sys.argv[2] if len(sys.argv) > 2 else "1,2,2"
steps = tuple(int(a) for a in stride.split(","))
box = torch.from_numpy(read_boxes(cache)[0]).float()
worst = 0


def network(**more):
    torch.manual_seed(3)
    net = resnet18(spatial_dims=3, n_input_channels=1, shortcut_type="B", conv1_t_stride=steps, feed_forward=False,
                   **more)
    for name, t in net.state_dict().items():  # statistics and biases away from what they begin as
        if "running_mean" in name or name.endswith("bias"):
            t.normal_(0, 0.1)
        elif "running_var" in name:
            t.uniform_(0.5, 1.5)
    return net.eval()


def compare(what, net, model, tmp):
    global worst
    rows, _, ours = petrel_embeddings(bin_dir, cache, model, os.path.join(tmp, "embeddings.tsv"), "validation")
    with torch.no_grad():
        theirs = net(box[rows]).flatten(1)
    ours = torch.from_numpy(ours)
    off = float((ours - theirs).abs().max() / theirs.abs().max())
    worst = max(worst, off)
    print(f"{what}: {ours.shape[0]} boxes, {ours.shape[1]} features, off by {off:.2g}")


def petrel(*words):
    subprocess.run([os.path.join(bin_dir, "petrel-train"), *words, "--quiet", "--no-position", "--stem-stride", stride],
                   check=True)


with tempfile.TemporaryDirectory() as tmp:
    path = lambda name: os.path.join(tmp, name)
    # theirs into ours: named as a part of our network, or bare, or as DataParallel saves them
    net = network()
    for prefix in ("backbone.", "", "module."):
        write_safetensors(path("theirs"), {prefix + n: t for n, t in net.state_dict().items()}, {})
        petrel("export", "--init", path("theirs"), "--model", path("ours"))
        if prefix != "module.":
            whole = read_safetensors(path("ours"))[0]
            compare(f"stem {stride}, MONAI's '{prefix}conv1.weight' into Petrel", net, path("ours"), tmp)
        else:  # the same weights again
            same = read_safetensors(path("ours"))[0]
            assert all(torch.equal(t, same[n]) for n, t in whole.items() if n.startswith("backbone."))
    # a step of fine-tuning from them changes them
    with open(path("pairs.tsv"), "w") as f:
        f.writelines(f"{i}\t{i + 8}\n" for i in range(8))
    petrel("pretrain", "--init", path("theirs"), "--cache", cache, "--pair-list", path("pairs.tsv"), "--batch", "8",
           "--steps", "1", "--run", path("run"), "--out", path("tuned"))
    tuned = {n: t for n, t in read_safetensors(path("tuned"))[0].items() if n.startswith("backbone.")}
    assert not torch.equal(tuned["backbone.conv1.weight"], net.state_dict()["conv1.weight"])
    # ours into theirs
    tuned = {n[len("backbone."):]: t for n, t in tuned.items()}
    if hasattr(monai.networks.nets.resnet, "get_medicalnet_pretrained_resnet_args"):  # 1.3: nothing to add
        net = network(bias_downsample=False)
    else:
        tuned.update({n: torch.zeros_like(t) for n, t in net.state_dict().items() if n.endswith("downsample.0.bias")})
    print(net.load_state_dict(tuned, strict=True))
    compare(f"stem {stride}, Petrel's into MONAI's", net, path("tuned"), tmp)
print(f"MONAI {monai.__version__}, torch {torch.__version__}: worst {worst:.2g}: "
      f"{'equal' if worst <= TOLERANCE else 'DIFFERENT'}")
sys.exit(not worst <= TOLERANCE)
