#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""What bench_gpu is compared with: transformers on random bf16 weights of the same shape, router logits recorded or not.

hf_peer.py [--shape olmoe|qwen3|small] [--prefill 512,4096] [--decode 1,8] [--json FILE] [--device cuda|cpu]"""
import argparse
import json
import os
import statistics
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch  # noqa: E402
import transformers  # noqa: E402

parser = argparse.ArgumentParser()
parser.add_argument("--shape", choices=("olmoe", "qwen3", "small"), default="olmoe")
parser.add_argument("--prefill", default="512,4096")
parser.add_argument("--decode", default="1,8")
parser.add_argument("--device", default="cuda")
parser.add_argument("--json")
parser.add_argument("--seconds", type=float, default=6, help="no further round is begun after so long")
args = parser.parse_args()

if args.shape == "qwen3":
    config = transformers.Qwen3MoeConfig(
        vocab_size=151936, hidden_size=2048, intermediate_size=6144, moe_intermediate_size=768, num_hidden_layers=48,
        num_attention_heads=32, num_key_value_heads=4, head_dim=128, num_experts=128, num_experts_per_tok=8, norm_topk_prob=True,
        max_position_embeddings=40960)
    kind = transformers.Qwen3MoeForCausalLM
else:
    small = args.shape == "small"
    config = transformers.OlmoeConfig(
        vocab_size=512 if small else 50304, hidden_size=64 if small else 2048, intermediate_size=32 if small else 1024,
        num_hidden_layers=2 if small else 16, num_attention_heads=4 if small else 16, num_key_value_heads=4 if small else 16,
        num_experts=8 if small else 64, num_experts_per_tok=2 if small else 8, max_position_embeddings=4096, eos_token_id=None)
    kind = transformers.OlmoeForCausalLM

torch.manual_seed(0)
torch.set_grad_enabled(False)
torch.set_default_dtype(torch.bfloat16)
with torch.device(args.device):
    model = kind(config).eval()
torch.set_default_dtype(torch.float32)
on_gpu = args.device == "cuda"
print(f"transformers {transformers.__version__}, torch {torch.__version__}, "
      f"{torch.cuda.get_device_name() if on_gpu else 'CPU'}, {sum(p.numel() for p in model.parameters()) / 1e9:.2f} B parameters")
results = {"transformers": transformers.__version__, "torch": torch.__version__, "shape": args.shape, "figures": []}


def timed(work, rounds=5):
    def once():
        started = time.perf_counter()
        work()
        if on_gpu:
            torch.cuda.synchronize()
        return time.perf_counter() - started

    once()
    begun, seconds = time.perf_counter(), []
    while len(seconds) < rounds and (not seconds or time.perf_counter() - begun < args.seconds):
        seconds.append(once())
    return statistics.median(seconds)


def record(outputs):
    """To the host, as somebody who keeps router logits has to."""
    return [logits.float().cpu() for logits in outputs.router_logits]


def figure(what, size, recording, implementation, seconds, tokens):
    print(f"{what:8s} {size:6d} {recording:7s} {1e3 * seconds:10.3f} ms {tokens / seconds:12.1f} tokens/s   {implementation}", flush=True)
    results["figures"].append({"what": what, "size": size, "recording": recording, "seconds": seconds,
                               "tokens_per_second": tokens / seconds, "implementation": implementation})
    if args.json:
        with open(args.json, "w") as file:
            json.dump(results, file, indent=1)


for implementation in ("grouped_mm", "batched_mm", "eager"):
    try:
        model.set_experts_implementation(implementation)
    except Exception as error:  # older transformers know only one
        print(f"{implementation}: {error}")
        if implementation != "eager":
            continue
    for recording in ("off", "logits"):
        wanted = {"output_router_logits": recording == "logits"}
        keep = record if recording == "logits" else (lambda outputs: None)
        for tokens in (int(size) for size in args.prefill.split(",") if size):
            if implementation == "batched_mm" and tokens > 512:
                continue  # gathers a copy of the weights for each token
            try:
                rows = min(tokens, 4096)
                ids = torch.randint(0, config.vocab_size, (max(1, tokens // rows), rows), device=args.device)
                figure("prefill", tokens, recording, implementation,
                       timed(lambda: keep(model(ids, use_cache=False, logits_to_keep=1, **wanted))), tokens)
            except Exception as error:
                print(f"prefill {tokens}, {implementation}: {type(error).__name__}: {str(error)[:160]}")
        for batch in (int(size) for size in args.decode.split(",") if size):
            try:
                ids = torch.randint(0, config.vocab_size, (batch, 65), device=args.device)

                def steps():
                    cache = model(ids[:, :64], use_cache=True).past_key_values
                    if on_gpu:
                        torch.cuda.synchronize()
                    started = time.perf_counter()
                    for _ in range(32):
                        keep(model(ids[:, 64:], past_key_values=cache, use_cache=True, **wanted))
                    if on_gpu:
                        torch.cuda.synchronize()
                    return (time.perf_counter() - started) / 32

                steps()
                figure("decode", batch, recording, implementation, steps(), batch)
            except Exception as error:
                print(f"decode {batch}, {implementation}: {type(error).__name__}: {str(error)[:160]}")
