# SPDX-License-Identifier: Apache-2.0
"""Lightly's VICRegLoss on the z that ops.safetensors holds: its loss and gradient are those that tests/unit/ops_golden.c asks of
ours. tests/cli/peers.bats runs it with the Python of tests/peers.sh."""
import importlib
import os
import sys
import types

import torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "train"))
from network import read_safetensors  # noqa: E402

for name in ("lightly", "lightly.loss"):  # its __init__ wants a client of its server; the loss is one file
    place = os.path.join(next(p for p in sys.path if os.path.isdir(os.path.join(p, "lightly"))), *name.split("."))
    sys.modules[name] = types.ModuleType(name)
    sys.modules[name].__path__ = [place]
VICRegLoss = importlib.import_module("lightly.loss.vicreg_loss").VICRegLoss
version = importlib.import_module("importlib.metadata").version("lightly")

golden, _ = read_safetensors(os.path.join(here, "ops.safetensors"))
z = golden["vicreg.z"].double().requires_grad_()
loss = VICRegLoss(lambda_param=25, mu_param=25, nu_param=1)(*z.chunk(2))
loss.backward()
terms, dz = golden["vicreg.terms"].double(), golden["vicreg.dz"].double()
off = abs(float((25 * terms[0] + 25 * terms[1] + terms[2]) / loss) - 1)
off_gradient = float((z.grad - dz).norm() / z.grad.norm())
print(f"lightly {version}: loss {float(loss):.7g} off by {off:.2g}, gradient by {off_gradient:.2g}")
sys.exit(not max(off, off_gradient) <= 1e-6)  # stored as float32
