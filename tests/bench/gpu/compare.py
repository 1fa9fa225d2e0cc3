#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Puts what run.sh measured of Expertscope beside its fastest peer, and beside the targets."""
import json
import pathlib
import sys

results = pathlib.Path(sys.argv[1])


def figures(file):
    return json.loads(file.read_text())["figures"] if file.exists() else []


for ours in sorted(results.glob("measure-*.json")):
    shape = ours.stem.removeprefix("measure-")
    peers = {}
    for peer in figures(results / f"peer-{shape}.json"):
        key = peer["what"], peer["size"], peer["recording"]
        if key not in peers or peer["tokens_per_second"] > peers[key]["tokens_per_second"]:
            peers[key] = peer
    print(f"{shape:8s} {'size':>6s} {'record':7s} {'tokens/s':>12s} {'of floor':>9s} {'transformers':>13s} {'ratio':>7s}")
    off = {(f["what"], f["size"]): f["tokens_per_second"] for f in figures(ours) if f["recording"] == "off"}
    for figure in figures(ours):
        # the peer that records has logits: nothing less can be asked of it
        what = "decode" if figure["what"] == "plain" else figure["what"]  # the same work, operation by operation
        peer = peers.get((what, figure["size"], "off" if figure["recording"] == "off" else "logits"))
        rate = figure["tokens_per_second"]
        cost = 100 * (off[figure["what"], figure["size"]] / rate - 1) if figure["recording"] != "off" else 0
        print(f"{figure['what']:8s} {figure['size']:6d} {figure['recording']:7s} {rate:12.1f} {100 * figure['fraction_of_floor']:8.1f}% "
              + (f"{peer['tokens_per_second']:13.1f} {rate / peer['tokens_per_second']:6.1f}x" if peer else f"{'':13s} {'':7s}")
              + (f"   recording costs {cost:.1f} %" if cost else "")
              + (f"   {peer['implementation']}" if peer else ""))
