#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Compares bench_cpu with llama.cpp's llama-bench and with PyTorch (transformers) on the same weights.

The programs take turns, one short run each per round (A B C A B C ...), so that whatever else the machine does falls on all
of them alike. Printed: best and median of all rounds, the ratio of ours to each peer's per round, and how much of the CPU
other programs used during each one's runs. llama.cpp runs without flash attention and with an f32 KV cache, as ours
does; a llama-bench whose -ctk knows no f32 runs with f16, and the output says so.

  compare_cpu.py --bench build/bin/bench_cpu --model small-bf16/ --llama-bench llama-bench --gguf small-bf16.gguf
"""
import argparse
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import time


def machine_cpu_seconds():
    with open("/proc/stat") as stat:
        user, nice, system = (int(word) for word in stat.readline().split()[1:4])
    return (user + nice + system) / os.sysconf("SC_CLK_TCK")


def child_cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(command, environment=None):
    """Standard output of a program, and the share of the CPU that others used meanwhile."""
    start, machine, own = time.monotonic(), machine_cpu_seconds(), child_cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(environment or {})})
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
    foreign = (machine_cpu_seconds() - machine) - (child_cpu_seconds() - own)
    return done.stdout, max(0.0, foreign / (os.cpu_count() * (time.monotonic() - start)))


def run_ours(a, environment=None):
    out, foreign = run([a.bench, a.model, "-p", str(a.prompt), "-n", str(a.new), "-t", str(a.threads), "-r", "1", "-m", "off", "--json"], environment)
    rates = json.loads(out)["modes"]["off"]
    return rates["prefill"], rates["decode"], foreign


def llama_kv_type(program):
    """f32 where llama-bench takes it; it looks at -ctk before it looks for the model."""
    tried = subprocess.run([program, "-ctk", "f32", "-m", os.devnull], capture_output=True, text=True)
    return "f16" if "invalid parameter" in tried.stderr + tried.stdout else "f32"


def run_llama(a):
    out, foreign = run([a.llama_bench, "-m", a.gguf, "-t", str(a.threads), "-p", str(a.prompt), "-n", str(a.new), "-r", "1", "-ctk", a.kv, "-ctv",
                        a.kv, "-fa", "0", "-o", "json"])
    rates = {"p" if row["n_prompt"] else "n": row["avg_ts"] for row in json.loads(out)}
    return rates.get("p", 0.0), rates.get("n", 0.0), foreign


def run_torch(a):
    out, foreign = run([sys.executable, __file__, "--torch-once", "--model", a.model, "-p", str(a.prompt), "-n", str(a.new), "-t", str(a.threads)],
                       {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
    rates = json.loads(out.splitlines()[-1])
    return rates["prefill"], rates["decode"], foreign


def torch_once(a):
    """The peer a researcher would write: transformers' forward, experts in a loop, router logits kept."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.set_num_threads(a.threads)
    model = AutoModelForCausalLM.from_pretrained(a.model, dtype="auto", experts_implementation="eager")
    ids = torch.randint(0, model.config.vocab_size, (1, a.prompt + a.new))
    with torch.no_grad():
        def prefill():
            return model(ids[:, :a.prompt], output_router_logits=True, logits_to_keep=1)

        prefill()
        start = time.monotonic()
        prefill()
        prefill_seconds = time.monotonic() - start
        past = model(ids[:, :1], use_cache=True).past_key_values
        start = time.monotonic()
        for t in range(1, a.new):
            past = model(ids[:, t:t + 1], past_key_values=past, use_cache=True).past_key_values
        decode_seconds = time.monotonic() - start
    print(json.dumps({"prefill": a.prompt / prefill_seconds, "decode": max(0, a.new - 1) / decode_seconds}))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="model folder (config.json, model.safetensors)")
    parser.add_argument("--bench", help="our bench_cpu")
    parser.add_argument("--llama-bench", help="llama.cpp's llama-bench; needs --gguf")
    parser.add_argument("--gguf", help="the same weights, of the same type, as GGUF")
    parser.add_argument("--torch", action="store_true", help="also run transformers, where torch and transformers are installed")
    parser.add_argument("--rounded", action="store_true", help="also run ours with activations rounded to bf16 (EXPERTSCOPE_BF16_TERMS=1)")
    parser.add_argument("-p", "--prompt", type=int, default=512)
    parser.add_argument("-n", "--new", type=int, default=128)
    parser.add_argument("-t", "--threads", type=int, default=os.cpu_count())
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("--torch-once", action="store_true", help=argparse.SUPPRESS)
    a = parser.parse_args()
    if not a.torch_once and not a.bench:
        parser.error("--bench is needed")
    if bool(a.llama_bench) != bool(a.gguf):
        parser.error("--llama-bench and --gguf go together")
    return a


def main():
    a = arguments()
    if a.torch_once:
        return torch_once(a)
    engines = {"ours": run_ours}
    if a.rounded:
        engines["ours, rounded"] = lambda options: run_ours(options, {"EXPERTSCOPE_BF16_TERMS": "1"})
    if a.llama_bench:
        a.kv = llama_kv_type(a.llama_bench)
        engines[f"llama.cpp {a.kv} KV"] = run_llama
    if a.torch and all(importlib.util.find_spec(name) for name in ("torch", "transformers")):
        engines["transformers"] = run_torch
    results = {name: [] for name in engines}
    for number in range(a.rounds):
        for name, engine in engines.items():
            results[name].append(engine(a))
            prefill, decode, foreign = results[name][-1]
            print(f"round {number + 1} {name}: prefill {prefill:.1f}, decode {decode:.1f} tokens/s, others {foreign:.0%} of the CPU", file=sys.stderr)

    print(f"{a.model}: {a.prompt} prompt tokens, {a.new} new tokens, {a.threads} threads, {a.rounds} alternating rounds")
    print(f"{'':16}{'prefill tokens/s':>30}{'decode tokens/s':>30}{'others':>9}")
    print(f"{'':16}" + f"{'best':>10}{'median':>10}{'ours/it':>10}" * 2 + f"{'of CPU':>9}")
    for name, rounds in results.items():
        line = f"{name:16}"
        for column in (0, 1):
            rates = [r[column] for r in rounds]
            ratios = [ours[column] / its if its else float("nan") for ours, its in zip(results["ours"], rates)]
            line += f"{max(rates):10.1f}{statistics.median(rates):10.1f}{statistics.median(ratios):10.2f}"
        print(line + f"{statistics.median(r[2] for r in rounds):9.0%}")


if __name__ == "__main__":
    main()
