#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""train_torch_gpu -- one pretraining step and inference of the paper's network in PyTorch on a GPU: ours' peer.   tests/bench

    train_torch_gpu.py --mode eager|best [--pairs 128] [--repeat 5] [--steps 50] [--precision bf16|fp32] [--device cuda|cpu] [--tiny]

eager: what a careful user writes: channels_last_3d, bf16 autocast, cudnn.benchmark, LARS tensor by tensor without waiting for
the GPU.
best: as fast as PyTorch can be made to go: the same, compiled whole (torch.compile, max-autotune), LARS by foreach operations,
compiled too, and the whole step, backward and optimiser included, one CUDA graph. Where a part of that cannot be had (an old
PyTorch, no GPU) it is left out, and the line says so under without=.
The network, the loss and the layout of views are train_torch.py's. One line in step.c's form; times are of the GPU's own clock (events),
the best of --repeat runs of --steps steps. --tiny --device cpu runs everything once on two pairs: so that a mistake costs no GPU time.
"""
import argparse
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
try:
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; pip install torch", file=sys.stderr)
    sys.exit(77)

from train_torch import PARAMETERS, Encoder, projector, vicreg


class LarsLoop:
    """One tensor after the other; nothing waits for the GPU."""

    def __init__(self, params, momentum=0.9, decay=1e-6, trust=1e-3):
        self.params, self.momentum, self.decay, self.trust = list(params), momentum, decay, trust
        self.m = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self, lr):
        for p, m in zip(self.params, self.m):
            g = p.grad
            if p.ndim > 1:
                g = g.add(p, alpha=self.decay)
                a, b = p.norm(), g.norm()
                g = g * torch.where((a > 0) & (b > 0), self.trust * a / b, torch.ones_like(a))
            m.mul_(self.momentum).add_(g)
            p.add_(m, alpha=-lr)


class LarsForeach(LarsLoop):
    """The same for all tensors at once."""

    def __init__(self, params, **settings):
        super().__init__(params, **settings)
        self.adapted = [i for i, p in enumerate(self.params) if p.ndim > 1]

    @torch.no_grad()
    def step(self, lr):
        grads = [p.grad for p in self.params]
        p = [self.params[i] for i in self.adapted]
        g = torch._foreach_add([grads[i] for i in self.adapted], p, alpha=self.decay)
        a, b = torch.stack(torch._foreach_norm(p)), torch.stack(torch._foreach_norm(g))
        ratio = torch.where((a > 0) & (b > 0), self.trust * a / b, torch.ones_like(a))
        g = torch._foreach_mul(g, list(ratio.unbind()))
        for i, scaled in zip(self.adapted, g):
            grads[i] = scaled
        torch._foreach_mul_(self.m, self.momentum)
        torch._foreach_add_(self.m, grads)
        torch._foreach_add_(self.params, self.m, alpha=-lr)


def best_seconds(step, device, repeat, steps):
    """Seconds a step; the best of some runs."""
    for _ in range(3 if device == "cuda" else 1):
        step()
    best = float("inf")
    for _ in range(repeat):
        if device == "cuda":
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            for _ in range(steps):
                step()
            end.record()
            torch.cuda.synchronize()
            best = min(best, begin.elapsed_time(end) * 1e-3 / steps)
        else:
            begun = time.perf_counter()
            for _ in range(steps):
                step()
            best = min(best, (time.perf_counter() - begun) / steps)
    return best


def graphed(step, params):
    """The step as one CUDA graph. Gradients are made anew inside it, so that nothing has to be zeroed."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(11):  # compiles, tunes, fills the allocator
            step()
            for p in params:
                p.grad = None
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def main():
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--mode", choices=("eager", "best"), default="eager")
    ask.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    ask.add_argument("--pairs", type=int, default=128)
    ask.add_argument("--repeat", type=int, default=5)
    ask.add_argument("--steps", type=int, default=50)
    ask.add_argument("--precision", choices=("bf16", "fp32"), default="bf16")
    ask.add_argument("--tiny", action="store_true")
    ask.add_argument("--no-compile", action="store_true", help="best, without torch.compile")
    ask = ask.parse_args()
    if ask.tiny:
        ask.pairs, ask.repeat, ask.steps = 2, 1, 1
    device, best, without = ask.device, ask.mode == "best", []
    if device == "cuda" and not torch.cuda.is_available():
        print(f"skipped: PyTorch {torch.__version__} sees no GPU", file=sys.stderr)
        sys.exit(77)
    torch.manual_seed(1)
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = ask.precision == "bf16"
    layout = torch.channels_last_3d
    encoder, projection = Encoder().to(device, memory_format=layout), projector().to(device)
    params = list(encoder.parameters()) + list(projection.parameters())
    assert sum(p.numel() for p in params) == PARAMETERS
    lars = (LarsForeach if best else LarsLoop)(params)
    boxes = torch.randn(2 * ask.pairs, 1, 16, 16, 16, device=device).to(memory_format=layout)
    positions = torch.randn(2 * ask.pairs, 9, device=device)

    def loss_of(box, position):
        # one view after the other: batch statistics are kept apart
        with torch.autocast(device, dtype=torch.bfloat16, enabled=ask.precision == "bf16"):
            z = [projection(encoder(b, p)) for b, p in zip(box.chunk(2), position.chunk(2))]
        return vicreg(*(x.float() for x in z))

    def embed(box, position):
        with torch.autocast(device, dtype=torch.bfloat16, enabled=ask.precision == "bf16"):
            return encoder(box, position)

    lars_step = lars.step
    if best and hasattr(torch, "compile") and not ask.no_compile:
        mode = {} if ask.tiny else {"mode": "max-autotune-no-cudagraphs"}
        loss_of, embed = torch.compile(loss_of, fullgraph=True, **mode), torch.compile(embed, fullgraph=True, **mode)
        lars_step = torch.compile(lars_step, fullgraph=True)
    elif best:
        without.append("compile")

    def train_once():
        loss_of(boxes, positions).backward()
        lars_step(0.05)
        if not torch.cuda.is_available() or not torch.cuda.is_current_stream_capturing():
            for p in params:
                p.grad = None

    def infer_once():
        with torch.inference_mode():
            embed(boxes, positions)

    step = train_once
    if best and device == "cuda":
        step = graphed(train_once, params)
    elif best:
        without.append("graph")
    step_s = best_seconds(step, device, ask.repeat, ask.steps)
    if device == "cuda":
        free, total = torch.cuda.mem_get_info()
        peak_gib, taken_gib = torch.cuda.max_memory_allocated() / 2**30, (total - free) / 2**30
        name = torch.cuda.get_device_name().replace(" ", "_")
    else:
        peak_gib = taken_gib = 0
        name = "cpu"
    encoder.eval()
    infer_s = best_seconds(infer_once, device, ask.repeat, ask.steps)
    print(f"torch mode={ask.mode} precision={ask.precision} pairs={ask.pairs} step_s={step_s:.6f} infer_s={infer_s:.6f} "
          f"boxes_per_s={2 * ask.pairs / infer_s:.0f} peak_gib={peak_gib:.2f} taken_gib={taken_gib:.2f} version={torch.__version__} "
          f"cudnn={torch.backends.cudnn.version()} device={name} without={','.join(without) or 'nothing'}")


if __name__ == "__main__":
    main()
