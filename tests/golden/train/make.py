#!/usr/bin/python3
"""Golden numbers for tests/unit/train_golden.c: the whole network at a width of 2, the first pretraining step in every
number, two more, ten LARS steps, the classifier's loss and AdamW. Computed in float64, stored as float32.
    apt-get install python3-torch; /usr/bin/python3 make.py        (Debian 12: torch 1.13.1, numpy 1.24.2)"""
import math
import os

import torch

from network import Lars, Network, focal, pretrain_step, pretraining_params, vicreg, write_safetensors

WIDTH, PROJECTION, HIDDEN, PAIRS, LR = 2, 24, 6, 4, 0.02  # a larger rate makes 4 pairs chaotic
torch.manual_seed(7)
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
box = torch.randn(2 * PAIRS, 1, 16, 16, 16).float().double()
position = (3 * torch.randn(2 * PAIRS, 9)).float().double()
label = torch.tensor([0, 1, 1, 0, 1, 0, 0, 1])

out = {"box": box, "position": position, "label": label}
out.update({"begin." + n: t.clone() for n, t in net.state_dict().items()})
begin = {n: p.detach().clone() for n, p in pretraining_params(net)}

# three steps of training; more would compare chaos: torch in float32 is a tenth off torch in float64 after ten
lars = Lars([p for _, p in pretraining_params(net)])
for step in range(3):
    e, z, terms = pretrain_step(net, None, box, position, LR)
    if step == 0:
        out.update({"first.embedding": e, "first.z": z, "first.terms": torch.stack(terms)})
        out.update({"first.grad." + n: p.grad.clone() for n, p in pretraining_params(net)})
        out.update({"first." + n: t.clone() for n, t in net.state_dict().items() if "running" in n or "tracked" in n})
    lars.step(LR)
out["third.terms"] = torch.stack(terms)
out.update({"third." + n: t.clone() for n, t in net.state_dict().items() if "running" in n})

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
for step in range(5):
    net.zero_grad()
    focal(net.classifier(embedding), label).backward()
    adam.step()
out.update({"adamw.classifier." + n: t for n, t in net.classifier.state_dict().items()})

# ten LARS steps from the beginning with the first gradients at every one
params = {n: begin[n].clone() for n in begin}
for n, p in params.items():
    p.grad = out["first.grad." + n].float().double()
lars = Lars(params.values())
for step in range(10):
    lars.step(0.3)
out.update({"lars." + n: p for n, p in params.items()})

# the schedule's formula, warm-up 3 of 12.5 units, end 0.001, then past the end
M = 12.5 - 3
def factor(t):
    return (t + 1) / 3 if t < 3 else 0.001 + 0.999 * (1 + math.cos(math.pi * min(t - 3, M - 1) / (M - 1))) / 2


out["schedule"] = torch.tensor([factor(t) for t in range(20)])
write_safetensors(os.path.join(os.path.dirname(os.path.abspath(__file__)), "step.safetensors"), out,
                  {"made_by": "make.py, torch " + torch.__version__})
print(torch.__version__, [float(t) for t in terms], sum(t.numel() for t in out.values()) * 4, "bytes")
