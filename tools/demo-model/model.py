# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""A small mixture-of-experts decoder for CPU training, weight-compatible with Qwen3MoeForCausalLM.

Shapes: B sequences, T tokens each, N = B*T tokens, D model width, H heads of width C, E experts of width F,
K experts per token, V vocabulary.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import nn


@dataclass
class Config:
    """Sizes of the model; the defaults are those of the shipped one."""

    vocab: int = 8192
    dim: int = 128
    layers: int = 8
    heads: int = 4
    kv_heads: int = 2
    head_dim: int = 32
    experts: int = 16
    top_k: int = 4
    expert_width: int = 64
    rope_theta: float = 10000.0
    eps: float = 1e-6
    context: int = 256

    def parameters(self):
        """(all, active per token) parameter counts, norms left out."""
        expert = 3 * self.dim * self.expert_width
        attention = 2 * self.dim * self.head_dim * (self.heads + self.kv_heads)
        rest = self.vocab * self.dim + self.layers * (attention + self.dim * self.experts)
        return rest + self.layers * self.experts * expert, rest + self.layers * self.top_k * expert


class RMSNorm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        x32 = x.float()
        return (x32 * torch.rsqrt(x32.pow(2).mean(-1, keepdim=True) + self.eps) * self.weight).to(x.dtype)


def rope_tables(config, length):
    """cos and sin, each (length, C), of the rotate-half convention."""
    inverse = config.rope_theta ** -(torch.arange(0, config.head_dim, 2).float() / config.head_dim)
    angle = torch.outer(torch.arange(length).float(), inverse)
    angle = torch.cat((angle, angle), -1)
    return angle.cos(), angle.sin()


def rotate(x, cos, sin):
    """Apply the rotary embedding to x (B, heads, T, C)."""
    left, right = x.chunk(2, -1)
    return x * cos + torch.cat((-right, left), -1) * sin


class Attention(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        self.q_proj = nn.Linear(c.dim, c.heads * c.head_dim, bias=False)
        self.k_proj = nn.Linear(c.dim, c.kv_heads * c.head_dim, bias=False)
        self.v_proj = nn.Linear(c.dim, c.kv_heads * c.head_dim, bias=False)
        self.o_proj = nn.Linear(c.heads * c.head_dim, c.dim, bias=False)
        self.q_norm = RMSNorm(c.head_dim, c.eps)
        self.k_norm = RMSNorm(c.head_dim, c.eps)

    def queries_keys_values(self, x, cos, sin):
        """x (B, T, D) -> q (B, H, T, C), k and v (B, kv heads, T, C), normalised and rotated."""
        batch, length, _ = x.shape
        c = self.config
        q = self.q_norm(self.q_proj(x).view(batch, length, c.heads, c.head_dim)).transpose(1, 2)
        k = self.k_norm(self.k_proj(x).view(batch, length, c.kv_heads, c.head_dim)).transpose(1, 2)
        v = self.v_proj(x).view(batch, length, c.kv_heads, c.head_dim).transpose(1, 2)
        return rotate(q, cos, sin).to(v.dtype), rotate(k, cos, sin).to(v.dtype), v

    def forward(self, x, cos, sin, mask):
        """x (B, T, D), cos and sin (T, C), mask (T, T) added to the scores -> (B, T, D)."""
        c = self.config
        q, k, v = self.queries_keys_values(x, cos, sin)
        batch, heads, length, width = q.shape
        # The query heads that share a key head become rows of one matrix product.
        q = q.reshape(batch, c.kv_heads, -1, width)
        scores = (q @ k.transpose(2, 3)).view(batch, heads, length, length)
        weights = (scores.float() * width**-0.5 + mask).softmax(-1).to(v.dtype)
        out = weights.view(batch, c.kv_heads, -1, length) @ v
        out = out.view(batch, heads, length, width).transpose(1, 2)
        return self.o_proj(out.reshape(batch, length, heads * width))


class Dispatch(torch.autograd.Function):
    """Copies of token rows in expert order; forward and backward are both gathers (scattering is slow on CPUs)."""

    @staticmethod
    def forward(ctx, x, token, place):
        """x (N, D), token (R,) that each row holds, place (N, K): the rows of each token -> (R, D)."""
        ctx.save_for_backward(place)
        return x[token]

    @staticmethod
    def backward(ctx, grad):
        return grad[ctx.saved_tensors[0]].sum(1), None, None


class Collect(torch.autograd.Function):
    """The inverse of Dispatch: the K expert outputs of each token."""

    @staticmethod
    def forward(ctx, rows, slot, used, place):
        """rows (R, D), slot (R,) in 0..N*K-1 of each row, used (R, 1): 0 for padding, place (N, K) -> (N, K, D)."""
        ctx.save_for_backward(slot, used)
        return rows[place]

    @staticmethod
    def backward(ctx, grad):
        slot, used = ctx.saved_tensors
        return grad.flatten(0, 1)[slot] * used, None, None, None


class Experts(nn.Module):
    """Router and experts. Rows are computed in blocks of BLOCK, so that every step has the same shapes."""

    BLOCK = 256

    def __init__(self, config):
        super().__init__()
        c = self.config = config
        self.gate = nn.Linear(c.dim, c.experts, bias=False)
        self.gate_up = nn.Parameter(torch.empty(c.experts, c.dim, 2 * c.expert_width))
        self.down = nn.Parameter(torch.empty(c.experts, c.expert_width, c.dim))

    def route(self, x):
        """x (N, D) -> logits (N, E), probabilities (N, E), weights (N, K) that sum to one, experts (N, K)."""
        logits = F.linear(x.float(), self.gate.weight)
        probabilities = logits.softmax(-1)
        weights, chosen = probabilities.topk(self.config.top_k, -1)
        return logits, probabilities, weights / weights.sum(-1, keepdim=True), chosen

    def layout(self, chosen):
        """Where the (token, expert) pairs go: each expert's rows padded to blocks, a constant number of blocks.

        chosen (N, K) -> counts (E,), expert of each block (G,), slot of each row (R,), used (R,), place (N, K);
        R = G * BLOCK rows.
        """
        c = self.config
        slots = chosen.flatten()
        blocks = -(-len(slots) // self.BLOCK) + c.experts
        order = slots.argsort(stable=True)
        counts = (slots.unsqueeze(-1) == torch.arange(c.experts)).sum(0)
        padded = (counts + self.BLOCK - 1) // self.BLOCK * self.BLOCK
        ends = padded.cumsum(0)
        row = torch.arange(blocks * self.BLOCK)
        expert = torch.searchsorted(ends, row, right=True).clamp_max(c.experts - 1)
        rank = row - (ends - padded)[expert]
        used = rank < counts[expert]
        slot = order[((counts.cumsum(0) - counts)[expert] + rank).clamp(0, len(slots) - 1)]
        place = ((ends - padded - counts.cumsum(0) + counts)[slots] + order.argsort()).view_as(chosen)
        return counts, expert[:: self.BLOCK], slot, used, place

    def forward(self, x):
        c = self.config
        shape = x.shape
        x = x.reshape(-1, c.dim)
        with torch.autocast("cpu", enabled=False):
            logits, probabilities, weights, chosen = self.route(x)
        counts, block_expert, slot, used, place = self.layout(chosen)
        rows = Dispatch.apply(x.bfloat16(), slot // c.top_k, place).view(-1, self.BLOCK, c.dim)
        one_hot = F.one_hot(block_expert, c.experts).bfloat16()
        gate, up = (rows @ (one_hot @ self.gate_up.flatten(1)).view(-1, c.dim, 2 * c.expert_width)).chunk(2, -1)
        rows = (F.silu(gate) * up) @ (one_hot @ self.down.flatten(1)).view(-1, c.expert_width, c.dim)
        out = Collect.apply(rows.view(-1, c.dim), slot, used.unsqueeze(-1), place)
        out = (out * weights.unsqueeze(-1)).sum(1)
        load = counts / chosen.numel()
        balance = c.experts * (load * probabilities.mean(0)).sum()
        z = logits.logsumexp(-1).square().mean()
        return out.view(shape).to(x.dtype), torch.stack((balance, z)), load


class Layer(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.input_layernorm = RMSNorm(config.dim, config.eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.dim, config.eps)
        self.mlp = Experts(config)

    def forward(self, x, cos, sin, mask):
        """x (B, T, D) -> x (B, T, D), the router's losses (2,): balance and z, the experts' load (E,)."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        out, losses, load = self.mlp(self.post_attention_layernorm(x))
        return x + out, losses, load


class TiedHead(torch.autograd.Function):
    """Mean cross entropy of a tied output head, computed in slices of tokens so that no (N, V) tensor exists."""

    SLICE = 1024

    @staticmethod
    def forward(ctx, hidden, embedding, targets):
        """hidden (N, D), embedding (V, D), targets (N,) -> the mean loss in nats."""
        hidden, weight = hidden.bfloat16(), embedding.bfloat16()
        grad_hidden = torch.empty_like(hidden)
        grad_weight = torch.zeros(weight.shape)
        total = torch.zeros(())
        for start in range(0, len(targets), TiedHead.SLICE):
            rows = slice(start, start + TiedHead.SLICE)
            loss, grad = slice_loss(hidden[rows] @ weight.T, targets[rows])
            total += loss
            grad_hidden[rows] = grad @ weight
            grad_weight += grad.T @ hidden[rows]
        ctx.save_for_backward(grad_hidden, grad_weight)
        return total / len(targets)

    @staticmethod
    def backward(ctx, grad):
        grad_hidden, grad_weight = ctx.saved_tensors
        scale = grad / len(grad_hidden)
        return grad_hidden.float() * scale, grad_weight * scale, None


def slice_loss(logits, targets):
    """logits (n, V) bf16, targets (n,) -> summed loss, gradient of the sum with respect to the logits (bf16)."""
    logits = logits.float()
    lse = logits.logsumexp(-1, keepdim=True)
    chosen = targets.unsqueeze(-1)
    loss = (lse - logits.gather(-1, chosen)).sum()
    grad = (logits - lse).exp() - (torch.arange(logits.shape[-1]) == chosen).float()
    return loss, grad.bfloat16()


class Model(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab, config.dim)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.dim, config.eps)
        cos, sin = rope_tables(config, config.context)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        mask = torch.full((config.context, config.context), float("-inf")).triu(1)
        self.register_buffer("mask", mask, persistent=False)
        self.initialise()

    def initialise(self):
        """Normal(0, 0.02) everywhere; what writes to the residual stream is scaled down by the depth."""
        residual_std = 0.02 / (2 * self.config.layers) ** 0.5
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=residual_std if name.endswith(("o_proj.weight", "down")) else 0.02)

    def forward(self, tokens, targets):
        """tokens and targets (B, T) -> mean loss in nats, mean router losses (2,): balance and z, load (L, E)."""
        length = tokens.shape[1]
        tables = self.cos[:length], self.sin[:length], self.mask[:length, :length]
        x = self.embed_tokens(tokens)
        router_losses, loads = [], []
        for layer in self.layers:
            x, losses, load = layer(x, *tables)
            router_losses.append(losses)
            loads.append(load)
        x = self.norm(x).flatten(0, 1)
        loss = TiedHead.apply(x, self.embed_tokens.weight, targets.flatten())
        return loss, torch.stack(router_losses).mean(0), torch.stack(loads)
