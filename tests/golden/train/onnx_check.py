#!/usr/bin/python3
"""petrel-train export --onnx, run by onnxruntime: embeddings and probabilities as petrel-eval has them, to 1e-4 of the
largest; the file passes onnx.checker. And the compact file: the same embeddings, to the last digit written.
Not part of the test suite (it wants onnxruntime). MODEL: a classifier's, of 16^3 boxes, mean 0 and sd 1, positions
oriented in mm (the paper recipe's).
    apt-get install python3-h5py
    /usr/bin/python3 -m venv --system-site-packages venv; venv/bin/pip install onnxruntime==1.32.0 onnx==1.23.2 "numpy<2"
    PETREL_BIN=build/bin venv/bin/python onnx_check.py CACHE MODEL

Result, simulated cache of 104 regions, resnet18: worst 1.3e-6; compact: the same, 40 MB beside 156 MB, of which 23 are
the projection. resnet34 of width 4 with L2 and GELU: 5.9e-6; resnet10 of width 4 without position: 3.4e-6."""
import os
import subprocess
import sys
import tempfile

import numpy
import onnx
import onnxruntime

from cache import petrel_embeddings, read_boxes

cache, model, bin_dir = sys.argv[1], sys.argv[2], os.environ.get("PETREL_BIN", "build/bin")
box, position = read_boxes(cache)
with tempfile.TemporaryDirectory() as tmp:
    path = lambda name: os.path.join(tmp, name)
    subprocess.run([os.path.join(bin_dir, "petrel-train"), "export", "--quiet", "--init", model, "--onnx",
                    path("model.onnx"), "--compact", path("compact")], check=True)
    rows, chance, ours = petrel_embeddings(bin_dir, cache, model, path("a.tsv"))
    _, _, compact = petrel_embeddings(bin_dir, cache, path("compact"), path("b.tsv"))
    onnx.checker.check_model(path("model.onnx"), full_check=True)
    session = onnxruntime.InferenceSession(path("model.onnx"), providers=["CPUExecutionProvider"])
    inputs = {"box": box[rows].astype("f4"), "position": position[rows].astype("f4")}
    got = session.run(["embedding", "probability"], {i.name: inputs[i.name] for i in session.get_inputs()})
    sizes = [os.path.getsize(path(n)) for n in ("model.onnx", "compact")]
worst = max(abs(got[0] - ours).max() / abs(ours).max(), abs(got[1][:, 1] - chance).max())
same = numpy.array_equal(ours, compact)
print(f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}: {len(rows)} boxes, "
      f"{'equal' if worst < 1e-4 else 'DIFFERENT'}, worst {worst:.2g}; {sizes[0]} bytes of ONNX; "
      f"compact: {'the same' if same else 'DIFFERENT'}, {sizes[1]} bytes beside {os.path.getsize(model)}")
sys.exit(worst >= 1e-4 or not same)
