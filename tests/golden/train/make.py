#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/train_golden.c: the whole network at a width of 2, the first pretraining step in every
number, ten steps of training, ten LARS steps with the first gradients, the classifier's loss and ten steps of AdamW.
Computed in float64, stored as float32; boxes and positions are a formula (network.py's numbers), so that they need no room here.
    apt-get install python3-torch; /usr/bin/python3 make.py        (Debian 12: torch 1.13.1, numpy 1.24.2)

Sixteen pairs: with four, batch norms over four numbers made float32 itself 1e-5 to 1e-3 wrong. This seed and a small
rate: a ReLU whose input is within rounding of 0 is on for one and off for another, both rightly, and from then on they
part; here none is. What PyTorch in float32 is from these numbers is printed, and stands beside the tolerances in train_golden.c."""
import copy
import math
import os

import torch

from network import Lars, Network, focal, numbers, pretrain_step, pretraining_params, vicreg, write_safetensors

WIDTH, PROJECTION, HIDDEN, PAIRS, STEPS, LR = 2, 24, 6, 16, 10, 0.005
torch.manual_seed(10)
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)
net = Network(WIDTH, PROJECTION, HIDDEN)
with torch.no_grad():  # as stored, so that both begin alike
    for t in net.state_dict().values():
        if t.dtype.is_floating_point:
            t.copy_(t.float().double())
    for m in net.modules():  # batch norms away from 1 and 0
        if isinstance(m, (torch.nn.BatchNorm3d, torch.nn.BatchNorm1d)):
            m.weight.uniform_(0.5, 1.5).copy_(m.weight.float().double())
            m.bias.uniform_(-0.5, 0.5).copy_(m.bias.float().double())
box = numbers(0, 2 * PAIRS, 1, 16, 16, 16)
position = 4 * numbers(2 * PAIRS * 4096, 2 * PAIRS, 9)
label = torch.arange(2 * PAIRS) % 3 % 2

out = {}
out.update({"begin." + n: t.clone() for n, t in net.state_dict().items()})
begin = {n: p.detach().clone() for n, p in pretraining_params(net)}

single = copy.deepcopy(net).float()
apart = {}


def note(what, got, want):
    """how far PyTorch's own float32 is"""
    apart[what] = max(apart.get(what, 0), float((got.double() - want).norm() / want.norm()))


lars, lars_single = (Lars([p for _, p in pretraining_params(n)]) for n in (net, single))
for step in range(STEPS):
    e, z, terms = pretrain_step(net, None, box, position, LR)
    torch.set_default_dtype(torch.float32)
    e_single, z_single, terms_single = pretrain_step(single, None, box.float(), position.float(), LR)
    torch.set_default_dtype(torch.float64)
    note(f"terms of step {step}", torch.stack(terms_single), torch.stack(terms))
    if step == 0:
        out.update({"first.embedding": e, "first.z": z})
        out.update({"first.grad." + n: p.grad.clone() for n, p in pretraining_params(net)})
        out.update({"first." + n: t.clone() for n, t in net.state_dict().items() if "running" in n or "tracked" in n})
        note("embedding", e_single, e)
        note("z", z_single, z)
        for (n, p), (_, q) in zip(pretraining_params(net), pretraining_params(single)):
            if float(p.grad.abs().max()) > 1e-9:  # a bias before a batch norm has no gradient but rounding's
                note("gradient", q.grad, p.grad)
    out[f"terms.{step}"] = torch.stack(terms)
    lars.step(LR)
    lars_single.step(LR)
out.update({"tenth." + n: t.clone() for n, t in net.state_dict().items()
            if "classifier" not in n and "tracked" not in n})
for n, t in single.state_dict().items():
    if "running" in n and "tenth." + n in out:
        note("running statistics after ten", t, out["tenth." + n])
    elif n in begin and float((out["tenth." + n] - begin[n]).norm()) > 1e-9:
        note("the way of parameters in ten", t.double() - begin[n], out["tenth." + n] - begin[n])

net.eval()
with torch.no_grad():
    net.load_state_dict({n[6:]: t for n, t in out.items() if n.startswith("begin.")})
    embedding = net.embed(box, position)
    out["eval.embedding"] = embedding
    out["eval.terms"] = torch.stack(vicreg(*net.projection(embedding).chunk(2)))
    out["eval.logits"] = net.classifier(embedding)
for on_softmax in (False, True):
    net.zero_grad()
    logits = net.classifier(embedding)
    loss = focal(torch.softmax(logits, 1) if on_softmax else logits, label)
    loss.backward()
    tag = "softmax." if on_softmax else "focal."
    out[tag + "loss"] = loss
    out.update({tag + "grad." + n: p.grad.clone() for n, p in net.named_parameters() if n.startswith("classifier")})
adam = torch.optim.AdamW(net.classifier.parameters(), lr=1e-2, weight_decay=0.01)
for step in range(STEPS):
    net.zero_grad()
    focal(net.classifier(embedding), label).backward()
    adam.step()
out.update({"adamw.classifier." + n: t for n, t in net.classifier.state_dict().items()})

# ten LARS steps from the beginning with the first gradients at every one
params = {n: begin[n].clone() for n in begin}
for n, p in params.items():
    p.grad = out["first.grad." + n].float().double()
lars = Lars(params.values())
for step in range(STEPS):
    lars.step(0.3)
out.update({"lars." + n: p for n, p in params.items()})

# the schedule's formula, warm-up 3 of 12.5 units, end 0.001, then past the end
M = 12.5 - 3
def factor(t):
    return (t + 1) / 3 if t < 3 else 0.001 + 0.999 * (1 + math.cos(math.pi * min(t - 3, M - 1) / (M - 1))) / 2


out["schedule"] = torch.tensor([factor(t) for t in range(20)])
write_safetensors(os.path.join(os.path.dirname(os.path.abspath(__file__)), "step.safetensors"), out,
                  {"made_by": "make.py, torch " + torch.__version__})
for what, off in apart.items():
    print(f"torch {torch.__version__} in float32: {what} off by {off:.2g}")
print([float(t) for t in terms], sum(t.numel() for t in out.values()) * 4, "bytes")
