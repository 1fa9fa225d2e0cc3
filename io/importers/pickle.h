// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A pickle that can do no harm: the fixed set of opcodes that torch.save writes for numbers, text, lists, dictionaries and tensors.
// Everything else, above all any function but those that rebuild a tensor, is refused. Protocol 2 of
// https://github.com/python/cpython/blob/3.11/Lib/pickletools.py.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace expertscope {

struct PickleValue;

/// A tensor as pickled: where its numbers lie in which storage.
struct PickledTensor {
    std::string storageType; ///< "IntStorage"
    std::string storageKey; ///< the entry data/KEY
    std::int64_t storageCount = 0; ///< numbers in the storage
    std::int64_t offset = 0; ///< in numbers
    std::vector<std::int64_t> shape, stride;
};

using PickleList = std::vector<PickleValue>; ///< a tuple too
using PickleDict = std::vector<std::pair<PickleValue, PickleValue>>;

/// A value; those of lists and dictionaries are shared where the pickle shares them. Never cyclic.
struct PickleValue {
    std::variant<std::monostate, bool, std::int64_t, double, std::string, std::shared_ptr<PickleList>, std::shared_ptr<PickleDict>,
        std::shared_ptr<PickledTensor>>
        value; ///< monostate = None

    template<typename T>
    const T *as() const
    {
        return std::get_if<T>(&value);
    }
    const PickleList *list() const;
    const PickleDict *dict() const;
    const PickledTensor *tensor() const;
    /// The entry of a dictionary; null if this is none or lacks it.
    const PickleValue *at(std::string_view key) const;
};

/// Reads the pickle. Throws Error (Input) naming `where`: an opcode or a name that is not on the list, data cut short, more values than
/// `mostValues`, nesting beyond a hundred levels, a list that would contain itself.
PickleValue parsePickle(std::string_view bytes, const std::string &where, std::size_t mostValues);

} // namespace expertscope
