#!/bin/bash
# SPDX-FileCopyrightText: 2026 The Expertscope authors
# SPDX-License-Identifier: Apache-2.0
# Builds, proves and measures the GPU engine in one go, each part under a time limit; see README.md beside this.
#
#   run.sh            on a machine with a GPU: all of it, within ten minutes; results in $OUT (default: build/gpu/results)
#   run.sh --pack     without a GPU, with nvcc and the libraries: builds bench_gpu and packs it into build/gpu/bench_gpu.tar.gz, for
#                     machines that lack the libraries it is built from
#   run.sh --dry      the same steps on the emulator and on the CPU, with small shapes: shows that the script works, nothing else
set -u
root=$(cd "$(dirname "$0")/../../.." && pwd)
here=$root/tests/bench/gpu
work=$root/build/gpu
OUT=${OUT:-$work/results}
mode=${1:-}
mkdir -p "$work" "$OUT"
export EXPERTSCOPE_TEST_DATA=$root/tests/data
failures=0

part() { # seconds, name, command...: runs it, shows its end, keeps it whole
    local limit=$1 name=$2 began=$SECONDS status
    shift 2
    echo "=== $name"
    timeout --kill-after=5 "$limit" "$@" >"$OUT/$name.txt" 2>&1
    status=$?
    tail -n 60 "$OUT/$name.txt"
    case $status in
        0) echo "=== $name: done, $((SECONDS - began)) s" ;;
        124 | 137) echo "=== $name: stopped at its limit of $limit s"; failures=$((failures + 1)) ;;
        *) echo "=== $name: FAILED ($status), $((SECONDS - began)) s"; failures=$((failures + 1)) ;;
    esac
    return $status
}

build() { # target, cmake options...
    local target=$1
    shift
    cmake -S "$root" -B "$work/build" -DCMAKE_BUILD_TYPE=Release -DEXPERTSCOPE_BENCH=ON -DEXPERTSCOPE_GUI=OFF "$@" &&
        cmake --build "$work/build" --target "$target" -j "$(nproc)"
}
export root work
export -f build # timeout runs programs only

if [ "$mode" = --dry ]; then
    bench=${BENCH:-$work/build/bin/bench_gpu_emulated}
    [ -x "$bench" ] || part 3600 build bash -c 'build "$@"' build bench_gpu_emulated -DEXPERTSCOPE_CUDA=OFF || exit 1
    prove=(prove --quick) quick=(--prefill 16,40 --decode 1,3 --steps 2 --rounds 1 --matrix 64 --copy 16) shapes=(small)
    peer=(--device cpu --seconds 1 --prefill 16,40 --decode 1,3)
else
    bench=$work/build/bin/bench_gpu
    if [ -f "$work/bench_gpu.tar.gz" ] && [ "$mode" != --pack ]; then
        mkdir -p "$work/packed" && tar -xzf "$work/bench_gpu.tar.gz" -C "$work/packed"
        bench=$work/packed/bench_gpu
        # what the machine has itself comes first: cuBLAS belongs to its driver
        export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:-}:/usr/local/cuda/lib64:$work/packed/lib
    else
        part 400 build bash -c 'build "$@"' build bench_gpu -DEXPERTSCOPE_TESTS=OFF -DCMAKE_CUDA_ARCHITECTURES="${ARCHITECTURES:-90}" || exit 1
    fi
    if [ "$mode" = --pack ]; then
        rm -rf "$work/pack" && mkdir -p "$work/pack/lib" && cp "$bench" "$work/pack/" && strip "$work/pack/bench_gpu"
        # every library but the C library, which is the machine's own, and CUDA's
        ldd "$bench" | awk '$3 ~ /^\// {print $3}' | grep -vE '/(libc|libm|libdl|librt|libpthread|ld-linux[^/]*|libcu[^/]*|libnv[^/]*)\.so' |
            xargs -I{} cp -L {} "$work/pack/lib/"
        tar -C "$work/pack" -czf "$work/bench_gpu.tar.gz" . && ls -l "$work/bench_gpu.tar.gz"
        exit
    fi
    nvidia-smi --query-gpu=name,driver_version,memory.total,memory.free --format=csv || exit 1
    prove=(prove) quick=() shapes=(olmoe qwen3)
    peer=(--prefill 512,4096,32768 --decode 1,8,64)
fi

part 90 prove "$bench" --json "$OUT/prove.json" "${prove[@]}"
if [ "$mode" != --dry ] && command -v compute-sanitizer >/dev/null; then
    for tool in memcheck racecheck initcheck; do
        part 40 "$tool" compute-sanitizer --tool "$tool" --error-exitcode 9 --print-limit 20 "$bench" prove --quick
    done
fi
for shape in "${shapes[@]}"; do
    part 90 "measure-$shape" "$bench" --json "$OUT/measure-$shape.json" measure --shape "$shape" "${quick[@]}"
done
if [ "$mode" != --dry ]; then # 57 GB of experts, most of which stay in pinned memory and come and go
    EXPERTSCOPE_CUDA_MEMORY=24 part 60 measure-qwen3-in-24-GB "$bench" --json "$OUT/measure-qwen3-in-24-GB.json" \
        measure --shape qwen3 --prefill 4096 --decode 1 --steps 8 --rounds 1
fi
python=$(command -v "${PYTHON:-python3}")
if [ -n "$python" ] && "$python" -c 'import torch, transformers' 2>/dev/null; then
    for shape in "${shapes[@]}"; do
        part 70 "peer-$shape" "$python" "$here/hf_peer.py" --shape "$shape" --json "$OUT/peer-$shape.json" "${peer[@]}"
    done
    "$python" "$here/compare.py" "$OUT" | tee "$OUT/compare.txt"
else
    echo "no transformers here: nothing is compared"
fi
echo "=== $failures parts failed or were stopped; $SECONDS s in all; results in $OUT"
exit $((failures > 0))
