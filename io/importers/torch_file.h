// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// A file of torch.save (.pt) read without torch and without running anything: a zip of stored entries, STEM/data.pkl and
// STEM/data/KEY, the raw numbers of each storage.
#pragma once

#include "io/importers/pickle.h"
#include "io/importers/zip_directory.h"

#include <map>

namespace expertscope {

class TorchFile {
public:
    /// Maps the file. Throws Error (Input) on anything that is no such file, or whose pickle is more than data.
    explicit TorchFile(const std::filesystem::path &file);
    /// Of bytes in memory; `where` names them.
    TorchFile(MappedBytes bytes, std::string where);

    const PickleValue &root() const { return m_root; }
    std::uint64_t sizeBytes() const { return m_bytes.bytes.size(); }
    const std::string &where() const { return m_where; }

    /// Integers of a tensor, from number `first` in C order; whatever its strides. Throws Error (Input): numbers that are no integers, or
    /// lie outside their storage.
    void readIntegers(const PickledTensor &tensor, std::int64_t first, std::span<std::int64_t> to) const;
    /// Numbers in the tensor. Throws Error (Input) if they do not all lie in its storage.
    std::int64_t count(const PickledTensor &tensor) const;

    [[noreturn]] void fail(const std::string &what) const;

private:
    void open();
    std::string_view storage(const PickledTensor &tensor) const;

    MappedBytes m_bytes;
    std::string m_where;
    std::map<std::string, std::string_view> m_storages; ///< by key
    bool m_isBigEndian = false;
    PickleValue m_root;
};

} // namespace expertscope
