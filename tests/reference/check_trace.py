#!/usr/bin/env python3
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
"""Opens a routing trace in h5py, netCDF4 and xarray, and checks that all three see the same named arrays and sound numbers.

For use by hand: check_trace.py TRACE.h5 (needs the packages h5py, netCDF4 and xarray).
"""
import sys

import h5py
import netCDF4
import numpy as np
import xarray as xr


def fail(message):
    sys.exit(f"FAIL: {message}")


def check_h5py(path):
    with h5py.File(path) as f:
        if f.attrs["format"] != "moe-routing-trace":
            fail("not a routing trace")
        unnamed = []

        def visit(name, item):
            if isinstance(item, h5py.Dataset) and not item.is_scale:
                unnamed.extend(f"{name}[{i}]" for i, d in enumerate(item.dims) if len(d) != 1)

        f.visititems(visit)
        if unnamed:
            fail(f"dimensions without a scale: {unnamed}")
        ids = f["expert_id"]
        experts, (tokens, layers, slots) = f["expert"].shape[0], ids.shape
        load = np.zeros((layers, experts), np.int64)
        mass = np.zeros((layers, experts))
        for start in range(0, tokens, 4096):
            block = ids[start : start + 4096].astype(np.int64)
            used = block != int(ids.attrs["_FillValue"])
            if block[used].size and not (0 <= block[used].min() and block[used].max() < experts):
                fail("expert id out of range")
            ranked = np.sort(np.where(used, block, -1 - np.arange(slots)), axis=2)
            if (ranked[:, :, 1:] == ranked[:, :, :-1]).any():
                fail("an expert was chosen twice by one token")
            weights = f["gate_weight"][start : start + 4096] if "gate_weight" in f else None
            for layer in range(layers):
                here = used[:, layer]
                load[layer] += np.bincount(block[:, layer][here], minlength=experts)
                if weights is not None:
                    mass[layer] += np.bincount(block[:, layer][here], weights=weights[:, layer][here], minlength=experts)
        if not (load == f["load"][...]).all():
            fail("load does not count expert_id")
        if "gate_mass" in f and not np.allclose(mass, f["gate_mass"][...], rtol=1e-6):
            fail("gate_mass does not sum gate_weight")
        counts = f["sequences/n_prompt"][...] + f["sequences/n_generated"][...]
        if counts.sum() != tokens or (np.repeat(np.arange(len(counts)), counts) != f["seq_index"][...]).any():
            fail("sequences do not cover the tokens")
        view = f[f.attrs["default"]]
        if view[view.attrs["signal"]] != f["load"] or list(view.attrs["axes"]) != ["layer", "expert"]:
            fail("the default NXdata view does not show load")
        print(f"h5py    : {tokens} tokens, {layers} layers, {experts} experts, {slots} slots, {len(counts)} sequences")
        datasets = {name: item.dtype for name, item in f.items() if isinstance(item, h5py.Dataset)}
        return datasets, tokens


def check_netcdf(path, datasets):
    with netCDF4.Dataset(path) as f:
        missing = set(datasets) - set(f.variables) - set(f.dimensions)
        if missing:
            fail(f"netCDF does not list {missing}")

        def walk(group):
            for variable in group.variables.values():
                if any(d.startswith("phony_dim") for d in variable.dimensions):
                    fail(f"{variable.name} has nameless dimensions in netCDF")
            for child in group.groups.values():
                walk(child)

        walk(f)
        print(f"netCDF4 : {len(f.variables)} variables, groups {', '.join(f.groups)}")


def check_xarray(path, tokens):
    with xr.open_dataset(path, engine="netcdf4") as data:
        if dict(data["load"].sizes).keys() != {"layer", "expert"} or data.sizes["token"] != tokens:
            fail("xarray sees other dimensions")
        shown = [f"{name}({', '.join(map(str, data[name].dims))})" for name in ("expert_id", "load", "logprob") if name in data]
        print(f"xarray  : {', '.join(shown)}")
    with xr.open_dataset(path, group="sequences", engine="netcdf4") as sequences:
        print(f"xarray  : sequences {list(sequences.data_vars)}")


if len(sys.argv) != 2:
    sys.exit(__doc__)
datasets, token_count = check_h5py(sys.argv[1])
halves = [name for name, dtype in datasets.items() if dtype == np.float16]
if halves and int(netCDF4.__hdf5libversion__.split(".")[0]) >= 2:
    # seen with netCDF-C 4.10.1: it takes any half-precision array, whoever wrote it, for text, and crashes
    print(f"netCDF4 : not tried, netCDF {netCDF4.__netcdf4libversion__} on HDF5 {netCDF4.__hdf5libversion__} crashes on half precision ({', '.join(halves)})")
else:
    check_netcdf(sys.argv[1], datasets)
    check_xarray(sys.argv[1], token_count)
print("sound")
