#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Export a training checkpoint as a Hugging Face Qwen3-MoE model folder.

usage: export.py DATA_DIR RUN_DIR MODEL_DIR [--average]

--average exports the running average of the weights (for a run whose learning rate has not been decayed).
"""

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

from make_tokenizer import END_OF_TEXT
from model import Config


def hugging_face_tensors(state):
    """Rename the parameters and unstack the experts: gate_up (E, D, 2F), down (E, F, D) -> matrices (out, in)."""
    tensors = {}
    for name, value in state.items():
        prefix = f"model.{name.rpartition('.')[0]}"
        if name.endswith("mlp.gate_up"):
            for expert, (gate, up) in enumerate(zip(*value.chunk(2, -1))):
                tensors[f"{prefix}.experts.{expert}.gate_proj.weight"] = gate.T
                tensors[f"{prefix}.experts.{expert}.up_proj.weight"] = up.T
        elif name.endswith("mlp.down"):
            for expert, down in enumerate(value):
                tensors[f"{prefix}.experts.{expert}.down_proj.weight"] = down.T
        else:
            tensors[f"model.{name}"] = value
    return {name: tensor.to(torch.bfloat16).contiguous() for name, tensor in tensors.items()}


def model_config(config):
    """config.json of the model."""
    return {
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        "vocab_size": config.vocab,
        "hidden_size": config.dim,
        "intermediate_size": config.top_k * config.expert_width,
        "moe_intermediate_size": config.expert_width,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "num_experts": config.experts,
        "num_experts_per_tok": config.top_k,
        "norm_topk_prob": True,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.eps,
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
        "router_aux_loss_coef": 0.01,
        "output_router_logits": False,
        "sliding_window": None,
        "use_sliding_window": False,
        "tie_word_embeddings": True,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "use_cache": True,
        "torch_dtype": "bfloat16",
    }


def tokenizer_files(source, config):
    """tokenizer.json, made to begin every text with END_OF_TEXT as in training, and tokenizer_config.json."""
    tokenizer = json.loads(source.read_text(encoding="utf-8"))
    special = {"SpecialToken": {"id": END_OF_TEXT, "type_id": 0}}
    text = [{"Sequence": {"id": name, "type_id": number}} for number, name in enumerate("AB")]
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [special, text[0]],
        "pair": [special, *text],
        "special_tokens": {END_OF_TEXT: {"id": END_OF_TEXT, "ids": [0], "tokens": [END_OF_TEXT]}},
    }
    settings = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "add_bos_token": True,
        "add_eos_token": False,
        "bos_token": END_OF_TEXT,
        "eos_token": END_OF_TEXT,
        "pad_token": END_OF_TEXT,
        "unk_token": None,
        "clean_up_tokenization_spaces": False,
        "model_max_length": config.context,
        "added_tokens_decoder": {"0": {"content": END_OF_TEXT, "lstrip": False, "normalized": False, "rstrip": False,
                                       "single_word": False, "special": True}},
    }
    return tokenizer, settings


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--average", action="store_true")
    arguments = parser.parse_args()
    checkpoint = torch.load(arguments.run / "checkpoint.pt", weights_only=True)
    config = Config(**checkpoint["config"])
    arguments.out.mkdir(parents=True, exist_ok=True)
    tensors = hugging_face_tensors(checkpoint["average" if arguments.average else "model"])
    save_file(tensors, arguments.out / "model.safetensors", metadata={"format": "pt"})
    tokenizer, settings = tokenizer_files(arguments.data / "tokenizer.json", config)
    generation = {"bos_token_id": 0, "eos_token_id": 0, "do_sample": True, "temperature": 0.8, "top_k": 40}
    for name, content in (("config", model_config(config)), ("generation_config", generation),
                          ("tokenizer", tokenizer), ("tokenizer_config", settings)):
        text = json.dumps(content, ensure_ascii=False, indent=None if name == "tokenizer" else 2)
        (arguments.out / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    size = (arguments.out / "model.safetensors").stat().st_size
    print(f"step {checkpoint['step']}, {checkpoint['tokens'] / 1e6:.1f} M tokens, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
