// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// PartFolder: a folder that appears under its name only when all that belongs in it is written.
// Filled as "<name>.<unique>.part" beside it and renamed by commit(); removed otherwise.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace expertscope {

class PartFolder {
public:
    /// Creates the empty .part folder. `own` names the entries that such a folder is made of: with `overwrite` an existing folder is
    /// replaced, but only one that holds nothing else, so that a wrong name costs nobody a file. Throws Error (Input) if the folder
    /// exists with something in it and may not be replaced, is a file, or the folder it is to be in is missing or cannot be written.
    PartFolder(const std::filesystem::path &folder, bool overwrite, std::vector<std::string> own);
    ~PartFolder();
    PartFolder(const PartFolder &) = delete;
    PartFolder &operator=(const PartFolder &) = delete;

    const std::filesystem::path &folder() const { return m_folder; }
    const std::filesystem::path &part() const { return m_part; }
    /// Gives the folder its name, in place of the one that is replaced. Throws as the constructor does, and leaves what was there.
    void commit();

private:
    void refuseWhatIsNotOurs() const;

    std::filesystem::path m_folder; ///< absolute
    std::filesystem::path m_part;
    bool m_overwrite;
    std::vector<std::string> m_own;
    bool m_done = false;
};

} // namespace expertscope
