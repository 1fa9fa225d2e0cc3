// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// Arrays of a NumPy .npz file, for test data that is known to be sound.
#pragma once

#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace expertscope::test {

class Npz {
public:
    /// Throws Error (Input) if it is not a zip archive of stored or deflated members.
    explicit Npz(const std::filesystem::path &file);

    /// All values of a C-ordered array. Throws Error (Input) unless it is there with that dtype ("<f2").
    template<typename T>
    std::vector<T> values(const std::string &member, const std::string &dtype) const
    {
        const std::string bytes = data(member, dtype);
        std::vector<T> out(bytes.size() / sizeof(T));
        std::memcpy(out.data(), bytes.data(), out.size() * sizeof(T));
        return out;
    }

private:
    std::string data(const std::string &member, const std::string &dtype) const;

    std::string m_name;
    std::map<std::string, std::string> m_members; ///< name -> bytes of the .npy file
};

} // namespace expertscope::test
