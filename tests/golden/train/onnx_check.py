# SPDX-License-Identifier: Apache-2.0
"""petrel-train export --onnx (backbone, PEB, classifier), run by onnxruntime: embeddings and probabilities as petrel-eval
has them, to 1e-4 of the largest; the file passes onnx.checker. And the compact file: the same embeddings, to the last
digit written.
tests/cli/peers.bats runs it with the Python of tests/peers.sh.
    PETREL_BIN=build/bin build/peers/bin/python onnx_check.py CACHE [MODEL]
MODEL: a classifier's, of 16^3 boxes, mean 0 and sd 1, positions oriented in mm (the paper recipe's); without it the paper's
whole network with random weights, made here, which PyTorch must agree with, too."""
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime
import torch

from cache import petrel_embeddings, read_boxes
from network import Network, write_safetensors

TOLERANCE = 1e-4  # of the largest; 6e-6 was seen
cache, bin_dir = sys.argv[1], os.environ.get("PETREL_BIN", "build/bin")
box, position = read_boxes(cache)


def petrel_train(*words):
    subprocess.run([os.path.join(bin_dir, "petrel-train"), *words, "--quiet"], check=True)


with tempfile.TemporaryDirectory() as tmp:
    path = lambda name: os.path.join(tmp, name)
    net = None
    if len(sys.argv) > 2:
        model = sys.argv[2]
    else:
        torch.manual_seed(4)
        net, model = Network(channels=box.shape[1]).eval(), path("model")
        for name, t in net.state_dict().items():  # statistics away from what they begin as
            if "running" in name:
                t.uniform_(0.5, 1.5)
        write_safetensors(path("theirs"), net.state_dict(), {})
        petrel_train("export", "--init", path("theirs"), "--model", model)
    petrel_train("export", "--init", model, "--onnx", path("model.onnx"), "--compact", path("compact"))
    rows, chance, ours = petrel_embeddings(bin_dir, cache, model, path("a.tsv"), "validation")
    _, _, compact = petrel_embeddings(bin_dir, cache, path("compact"), path("b.tsv"), "validation")
    onnx.checker.check_model(path("model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(path("model.onnx"), providers=["CPUExecutionProvider"])
    inputs = {"box": box[rows].astype("f4"), "position": position[rows].astype("f4")}
    got = session.run(["embedding", "probability"], {i.name: inputs[i.name] for i in session.get_inputs()})
    sizes = [os.path.getsize(n) for n in (path("model.onnx"), path("compact"), model)]


def off(embedding, probability):
    return max(abs(embedding - ours).max() / abs(ours).max(), abs(probability[:, 1] - chance).max())


worst = off(*got)
if net:
    with torch.no_grad():
        embedding = net.embed(*(torch.from_numpy(inputs[n]) for n in ("box", "position")))
        theirs = off(embedding.numpy(), torch.softmax(net.classifier(embedding), 1).numpy())
    print(f"torch {torch.__version__}: off by {theirs:.2g}")
    worst = max(worst, theirs)
same = numpy.array_equal(ours, compact)
print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}: {len(rows)} boxes, {ours.shape[1]} features, "
      f"{'equal' if worst <= TOLERANCE else 'DIFFERENT'}, worst {worst:.2g}; {sizes[0]} bytes of ONNX; "
      f"compact: {'the same' if same else 'DIFFERENT'}, {sizes[1]} bytes beside {sizes[2]}")
sys.exit(not worst <= TOLERANCE or not same)
