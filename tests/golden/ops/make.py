#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for tests/unit/ops_golden.c: single operations and their gradients in PyTorch, float64, stored as float32.
    apt-get install python3-torch; /usr/bin/python3 make.py        (Debian 12: torch 1.13.1, numpy 1.24.2)"""
import json
import os
import struct

import torch
import torch.nn.functional as F

torch.manual_seed(3)
torch.set_default_dtype(torch.float64)
out = {}


def tensor(name, *shape):
    x = torch.randn(*shape).float().double()  # exactly what the test reads
    out[name] = x.clone()
    return x.requires_grad_()


def gradients(case, y, dy, **inputs):
    out[case + ".y"] = y
    for name, g in zip(inputs, torch.autograd.grad((y * dy).sum(), inputs.values())):
        out[f"{case}.d{name}"] = g


def conv(case, N, C, O, dim, kernel, stride, pad):
    x, w = tensor(case + ".x", N, C, *dim), tensor(case + ".w", O, C, *kernel)
    y = F.conv3d(x, w, stride=stride, padding=pad)
    gradients(case, y, tensor(case + ".dy", *y.shape), x=x, w=w)


conv("conv_wide", 3, 17, 18, (3, 2, 4), (3, 3, 3), (1, 2, 2), (1, 1, 1))
conv("conv_stem", 2, 1, 16, (3, 6, 7), (5, 5, 5), (1, 2, 2), (2, 2, 2))

for case, shape in (("norm_image", (6, 18, 2, 1, 3)), ("norm_rows", (7, 21))):
    x, gamma, beta = tensor(case + ".x", *shape), tensor(case + ".gamma", shape[1]), tensor(case + ".beta", shape[1])
    add = tensor(case + ".residual", *shape)
    mean, var = torch.zeros(shape[1]), torch.ones(shape[1])
    y = F.relu(F.batch_norm(x, mean, var, gamma, beta, training=True) + add)
    gradients(case, y, tensor(case + ".dy", *shape), x=x, residual=add, gamma=gamma, beta=beta)
    out[case + ".running_mean"], out[case + ".running_var"] = mean, var

x = tensor("maxpool.x", 2, 17, 5, 4, 6)
y = F.max_pool3d(x, 3, 2, 1)
gradients("maxpool", y, tensor("maxpool.dy", *y.shape), x=x)

for case, f, args in (("layernorm", F.layer_norm, ((33,),)), ("l2norm", F.normalize, ()), ("gelu", F.gelu, ())):
    x = tensor(case + ".x", 5, 33)
    y = f(x, *args)
    gradients(case, y, tensor(case + ".dy", 5, 33), x=x)


def off_diagonal(m):
    return m - torch.diag(torch.diag(m))


for case, literal in (("vicreg", False), ("vicreg_literal", True)):
    n, d = 6, 20
    z = tensor(case + ".z", 2 * n, d)
    terms = [F.mse_loss(z[:n], z[n:]) * (d if literal else 1), 0, 0]
    for v in (z[:n] * 1, z[n:] * 1):
        c = v - v.mean(0)
        terms[1] = terms[1] + F.relu(1 - torch.sqrt(v.var(0) + 1e-4)).mean() * (1 if literal else 0.5)
        terms[2] = terms[2] + off_diagonal(c.T @ c / (n - 1)).pow(2).sum() / d
    out[case + ".terms"] = torch.stack(terms)
    out[case + ".dz"], = torch.autograd.grad(25 * terms[0] + 25 * terms[1] + terms[2], z)

for case, on_softmax in (("focal", False), ("focal_on_softmax", True)):
    logits, label, alpha = tensor(case + ".logits", 9, 3), torch.arange(9) % 3, torch.tensor([0.55, 0.25, 0.75])
    scored = F.softmax(logits, 1) if on_softmax else logits
    log_p = F.log_softmax(scored, 1).gather(1, label[:, None])[:, 0]
    loss = (alpha[label] * (1 - log_p.exp()) ** 2 * -log_p).mean()
    out[case + ".loss"] = loss[None]
    out[case + ".dlogits"], = torch.autograd.grad(loss, logits)

# what other networks need; after the rest, so that its numbers stay as they were
def grouped(case, N, C, O, dim, kernel, stride, pad, groups):
    x, w = tensor(case + ".x", N, C, *dim), tensor(case + ".w", O, C // groups, *kernel)
    y = F.conv3d(x, w, stride=stride, padding=pad, groups=groups)
    gradients(case, y, tensor(case + ".dy", *y.shape), x=x, w=w)


grouped("depthwise", 3, 18, 18, (3, 2, 4), (3, 3, 3), (1, 2, 2), (1, 1, 1), 18)
grouped("grouped", 2, 6, 9, (3, 3, 2), (3, 3, 3), (1, 2, 2), (1, 1, 1), 3)

x = tensor("meanpool.x", 2, 17, 5, 4, 6)
y = F.avg_pool3d(x, 3, 2, 1, count_include_pad=False)
gradients("meanpool", y, tensor("meanpool.dy", *y.shape), x=x)

x, scale = tensor("gate.x", 3, 18, 2, 1, 3), tensor("gate.scale", 3, 18)
gradients("gate", x * scale[:, :, None, None, None], tensor("gate.dy", *x.shape), x=x, scale=scale)

for case, f, args in (("sigmoid", torch.sigmoid, ()), ("silu", F.silu, ()), ("softmax", F.softmax, (1,))):
    x = tensor(case + ".x", 5, 33)
    gradients(case, f(x, *args), tensor(case + ".dy", 5, 33), x=x)

attention = torch.nn.MultiheadAttention(12, 3, bias=False, batch_first=True)  # with identities for its projections
with torch.no_grad():
    attention.in_proj_weight.copy_(torch.eye(12).repeat(3, 1))
    attention.out_proj.weight.copy_(torch.eye(12))
q, k, v = (tensor("attention." + name, 2 * 5, 12) for name in "qkv")
y = attention(*(t.reshape(2, 5, 12) for t in (q, k, v)), need_weights=False)[0].reshape(10, 12)
gradients("attention", y, tensor("attention.dy", 10, 12), q=q, k=k, v=v)

# what the methods' losses are made of
logits = tensor("cross_entropy.logits", 7, 9)
target, out_of = torch.rand(7, 9), torch.arange(63).reshape(7, 9) % 4 == 1
target = target.masked_fill(out_of, -1).float().double()
out["cross_entropy.target"] = target
log_p = (logits / 0.3).masked_fill(out_of, -float("inf")).log_softmax(1).masked_fill(out_of, 0)
loss = -(target.clamp(min=0) * log_p).sum(1).mean()
out["cross_entropy.loss"] = loss[None]
out["cross_entropy.dlogits"], = torch.autograd.grad(loss, logits)

scores = torch.tanh(tensor("sinkhorn.raw", 10, 6)).detach().float().double()
del out["sinkhorn.raw"]
out["sinkhorn.x"] = scores
q = torch.exp(scores / 0.05).T  # as Lightly's swav_loss.sinkhorn
q = q / q.sum()
for _ in range(3):
    q = q / q.sum(1, keepdim=True) / q.shape[0]
    q = q / q.sum(0, keepdim=True) / q.shape[1]
out["sinkhorn.y"] = (q * q.shape[1]).T

header, data = {}, b""
for name, x in out.items():
    numbers = x.detach().float().contiguous().numpy().tobytes()
    header[name] = {"dtype": "F32", "shape": list(x.shape), "data_offsets": [len(data), len(data) + len(numbers)]}
    data += numbers
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "ops.safetensors"), "wb") as f:
    f.write(struct.pack("<Q", len(text)) + text + data)
