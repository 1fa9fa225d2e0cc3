# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""The Muon optimizer (momentum, orthogonalised by Newton-Schulz) for matrices and stacks of matrices."""

from collections import defaultdict

import torch
import torch.distributed as dist

_QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrix, iterations=5):
    """The nearest semi-orthogonal matrices, about, of matrix (..., rows, columns)."""
    x = matrix.bfloat16()
    tall = x.shape[-2] > x.shape[-1]
    if tall:
        x = x.transpose(-1, -2)
    x = x / (x.norm(dim=(-1, -2), keepdim=True) + 1e-7)
    a, b, c = _QUINTIC
    for _ in range(iterations):
        gram = x @ x.transpose(-1, -2)
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.transpose(-1, -2) if tall else x


class Muon(torch.optim.Optimizer):
    """Each step moves a weight by lr * sqrt(max(1, outputs / inputs)) * (orthogonalised Nesterov momentum).

    A stack (E, inputs, outputs) holds E matrices; a 2-D weight is (outputs, inputs) as in torch.nn.Linear. Weights of
    one shape are orthogonalised together, each process its share of them.
    """

    def __init__(self, params, lr=0.02, momentum=0.95, weight_decay=0.05):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            by_shape = defaultdict(list)
            for weight in group["params"]:
                by_shape[weight.shape].append(weight)
            for weights in by_shape.values():
                directions = torch.stack([self.direction(weight, group["momentum"]) for weight in weights])
                for weight, update in zip(weights, orthogonalise_together(directions)):
                    outputs, inputs = weight.shape if weight.dim() == 2 else (weight.shape[2], weight.shape[1])
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(update.to(weight.dtype), alpha=-group["lr"] * max(1, outputs / inputs) ** 0.5)

    def direction(self, weight, momentum):
        """Nesterov momentum of a weight's gradient."""
        average = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(average, momentum)


def orthogonalise_together(stack):
    """Orthogonalise stack (n, ..., rows, columns), identical in all processes, each computing every world-size-th."""
    result = torch.zeros_like(stack, dtype=torch.bfloat16)
    mine = slice(dist.get_rank(), None, dist.get_world_size())
    result[mine] = orthogonalise(stack[mine])
    dist.all_reduce(result)
    return result
