// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// The input is a bare pickle, or a .pt file with one and the numbers of its tensors.
#include "io/importers/torch_file.h"
#include "tests/fuzz/require.h"

#include <algorithm>

using namespace expertscope;

namespace {

/// The depth of the value, which must be small enough for code that follows it down; reads every tensor on the way.
int depthOf(const PickleValue &value, const TorchFile *file, int &budget)
{
    if (--budget < 0)
        return 0;
    int deepest = 0;
    if (const PickleList *list = value.list())
        for (const PickleValue &one : *list)
            deepest = std::max(deepest, depthOf(one, file, budget));
    if (const PickleDict *dict = value.dict())
        for (const auto &[key, one] : *dict)
            deepest = std::max({deepest, depthOf(key, file, budget), depthOf(one, file, budget)});
    if (const PickledTensor *tensor = value.tensor(); tensor && file)
        parseOrExplain([&] {
            std::vector<std::int64_t> numbers(static_cast<std::size_t>(std::min<std::int64_t>(file->count(*tensor), 64)));
            file->readIntegers(*tensor, file->count(*tensor) - static_cast<std::int64_t>(numbers.size()), numbers);
        });
    return deepest + 1;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string_view bytes = text(data, size);
    int budget = 100000;
    parseOrExplain([&] { require(depthOf(parsePickle(bytes, "fuzz.pkl", 1 << 16), nullptr, budget) <= 102); });
    parseOrExplain([&] {
        const TorchFile file{{nullptr, bytes}, "fuzz.pt"};
        require(depthOf(file.root(), &file, budget) <= 102);
    });
    return 0;
}
