#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Train the demo model on a CPU; start again with the same arguments to resume.

usage: train.py DATA_DIR RUN_DIR [--decay-steps N] [--processes 2]

Each process computes its share of every batch on one thread and the gradients are averaged: on cores shared with other
work this loses less than one process with several threads, which wait for each other in every operation.

The learning rate warms up and then stays constant, so the run can go on for as long as there is time. With
--decay-steps the run goes on from its last checkpoint, the rate falls linearly to zero over N steps, and it ends.
RUN_DIR/checkpoint.pt holds everything needed to resume, RUN_DIR/log.jsonl one line every LOG_EVERY steps.
"""

import argparse
import json
import os
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

import model as model_module
from model import Config, Layer, Model
from muon import Muon

SEED = 1
SEQUENCES = 16  # of Config.context tokens, a step
WARMUP = 100
MUON_RATE, ADAM_RATE = 0.015, 3e-3
BALANCE_WEIGHT, Z_WEIGHT = 0.01, 1e-3
AVERAGE_DECAY = 0.995  # of the running average of the weights, from which an early model is exported
LOG_EVERY, SAVE_EVERY = 20, 50


def make_optimizers(model):
    """Muon for the matrices inside the layers, AdamW for the embedding, the routers and the norms."""
    matrices, others = [], []
    for name, parameter in model.named_parameters():
        inside = name.startswith("layers.") and parameter.dim() > 1 and "gate.weight" not in name
        (matrices if inside else others).append(parameter)
    return [Muon(matrices, lr=MUON_RATE), torch.optim.AdamW(others, lr=ADAM_RATE, betas=(0.9, 0.95), weight_decay=0.0)]


def batch_at(tokens, step, context):
    """Inputs and targets (SEQUENCES, context) of a step: windows in an order shuffled anew on every pass."""
    windows = (len(tokens) - 1) // context
    picks = []
    for index in range(step * SEQUENCES, (step + 1) * SEQUENCES):
        epoch, place = divmod(index, windows)
        if not picks or place == 0:
            order = np.random.RandomState(SEED + epoch).permutation(windows)
        start = order[place] * context
        picks.append(tokens[start : start + context + 1])
    batch = torch.from_numpy(np.stack(picks).astype(np.int64))
    return batch[:, :-1], batch[:, 1:]


def rate_factor(step, decay_start, decay_steps):
    """The learning rate at a step, as a share of its constant value."""
    warm = min(1.0, (step + 1) / WARMUP)
    return warm if decay_start is None else warm * max(0.0, 1 - (step - decay_start) / decay_steps)


def average_over_processes(tensors):
    """Average tensors in place over the processes, in one message."""
    flat = torch.cat([tensor.view(-1) for tensor in tensors])
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for tensor, mean in zip(tensors, flat.split([tensor.numel() for tensor in tensors])):
        tensor.copy_(mean.view_as(tensor))


class Log:
    """Writes one JSON line every LOG_EVERY steps."""

    def __init__(self, path, run):
        self.file = open(path, "a", encoding="utf-8")
        self.run = run
        self.losses, self.started = [], time.monotonic()

    def add(self, loss, router, load):
        self.losses.append(loss)
        if self.run.step % LOG_EVERY:
            return
        elapsed = time.monotonic() - self.started
        self.run.seconds += elapsed
        record = {"step": self.run.step, "tokens": self.run.tokens(), "seconds": round(self.run.seconds),
                  "loss": round(sum(self.losses) / len(self.losses), 4), "balance": round(router[0], 4),
                  "z": round(router[1], 3), "largest_load": round(load.max().item() * load.shape[1], 2),
                  "tokens_per_second": round(len(self.losses) * self.run.tokens() / self.run.step / elapsed)}
        print(json.dumps(record), file=self.file, flush=True)
        self.losses, self.started = [], time.monotonic()


class Run:
    """The state of a training run."""

    def __init__(self, folder):
        self.path = folder / "checkpoint.pt"
        self.step, self.seconds, self.decay_start = 0, 0.0, None
        torch.manual_seed(SEED)
        self.model = Model(Config())
        self.optimizers = make_optimizers(self.model)
        self.average = {name: p.detach().clone() for name, p in self.model.named_parameters()}
        if self.path.exists():
            self.load()

    def load(self):
        state = torch.load(self.path, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.average = state["average"]
        for optimizer, saved in zip(self.optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        self.step, self.seconds, self.decay_start = state["step"], state["seconds"], state["decay_start"]

    def tokens(self):
        """Tokens trained on so far."""
        return self.step * SEQUENCES * self.model.config.context

    def save(self):
        state = {
            "config": asdict(self.model.config),
            "model": self.model.state_dict(),
            "average": self.average,
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.step,
            "tokens": self.tokens(),
            "seconds": self.seconds,
            "decay_start": self.decay_start,
        }
        torch.save(state, self.path.with_suffix(".new"))
        self.path.with_suffix(".new").replace(self.path)

    def train_step(self, tokens, factor):
        """One step; returns, averaged over the processes: loss in nats a token, balance and z loss, load (L, E)."""
        for optimizer, rate in zip(self.optimizers, (MUON_RATE, ADAM_RATE)):
            for group in optimizer.param_groups:
                group["lr"] = rate * factor
        with torch.autocast("cpu", torch.bfloat16):
            inputs, targets = batch_at(tokens, self.step, self.model.config.context)
            mine = slice(dist.get_rank(), None, dist.get_world_size())
            loss, router, load = self.model(inputs[mine], targets[mine])
        (loss + BALANCE_WEIGHT * router[0] + Z_WEIGHT * router[1]).backward()
        average_over_processes([parameter.grad for parameter in self.model.parameters()])
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                self.average[name].lerp_(parameter, 1 - AVERAGE_DECAY)
        self.step += 1
        numbers = torch.cat((loss.detach().view(1), router.detach(), load.flatten()))
        average_over_processes([numbers])
        return numbers[0].item(), numbers[1:3].tolist(), numbers[3:].view_as(load)


def train(rank, arguments):
    """The training loop of one process; rank 0 logs and saves."""
    os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(arguments.port))
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=arguments.processes)
    Layer.forward = torch.compile(Layer.forward)
    model_module.slice_loss = torch.compile(model_module.slice_loss)

    tokens = np.load(arguments.data / "tokens.npy", mmap_mode="r")
    run = Run(arguments.run)
    if arguments.decay_steps and run.decay_start is None:
        run.decay_start = run.step
    log = Log(arguments.run / "log.jsonl", run) if rank == 0 else None
    while run.decay_start is None or run.step < run.decay_start + arguments.decay_steps:
        measured = run.train_step(tokens, rate_factor(run.step, run.decay_start, arguments.decay_steps))
        if rank == 0:
            log.add(*measured)
            if run.step % SAVE_EVERY == 0:
                run.save()
    if rank == 0:
        run.save()
    dist.destroy_process_group()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--decay-steps", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--port", type=int, default=29517)
    arguments = parser.parse_args()
    arguments.run.mkdir(parents=True, exist_ok=True)
    # Forked processes keep the command line of this one, so that all of them can be found by its name.
    mp.start_processes(train, (arguments,), nprocs=arguments.processes, start_method="fork")


if __name__ == "__main__":
    main()
