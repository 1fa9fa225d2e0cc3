// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "io/part_folder.h"

#include "engine/core/error.h"

#include <algorithm>
#include <cstdio>
#include <random>
#include <system_error>

namespace expertscope {

namespace {

namespace fs = std::filesystem;

[[noreturn]] void failWith(const std::error_code &code, const char *doing, const fs::path &folder)
{
    throw Error{ErrorKind::Input, std::string{"cannot "} + doing + ": " + code.message(), folder.string(),
        "Choose a folder that you may write to and that has room"};
}

/// Absolute, through links, without a separator at its end, so that its name and its neighbours are what they seem.
fs::path resolved(const fs::path &folder)
{
    std::error_code code;
    fs::path path = fs::weakly_canonical(fs::absolute(folder), code);
    if (code)
        failWith(code, "find the folder", folder);
    return path.has_filename() ? path : path.parent_path();
}

std::string unique()
{
    std::random_device random;
    char text[12];
    std::snprintf(text, sizeof text, ".%06x", random() & 0xffffffu);
    return text;
}

} // namespace

PartFolder::PartFolder(const fs::path &folder, bool overwrite, std::vector<std::string> own)
    : m_folder{resolved(folder)}
    , m_overwrite{overwrite}
    , m_own{std::move(own)}
{
    refuseWhatIsNotOurs();
    for (int attempt = 0; attempt < 100; ++attempt) {
        m_part = m_folder;
        m_part += unique() + ".part";
        std::error_code code;
        if (fs::create_directory(m_part, code))
            return;
        if (code)
            failWith(code, "create a folder here", m_folder);
    }
    failWith(std::make_error_code(std::errc::file_exists), "create a folder here", m_folder);
}

PartFolder::~PartFolder()
{
    std::error_code ignored;
    if (!m_done)
        fs::remove_all(m_part, ignored);
}

void PartFolder::refuseWhatIsNotOurs() const
{
    std::error_code code;
    const fs::file_status status = fs::symlink_status(m_folder, code);
    if (!fs::exists(status))
        return;
    if (!fs::is_directory(status))
        throw Error{ErrorKind::Input, "this is a file, not a folder", m_folder.string(), "Give the name of a folder"};
    fs::directory_iterator entries{m_folder, code};
    if (code)
        failWith(code, "look into the folder", m_folder);
    for (const fs::directory_entry &entry : entries) {
        if (!m_overwrite)
            throw Error{ErrorKind::Input, "the folder exists already and was kept", m_folder.string(),
                "Choose another name, or ask for it to be replaced (--force)"};
        if (std::find(m_own.begin(), m_own.end(), entry.path().filename().string()) == m_own.end())
            throw Error{ErrorKind::Input, "the folder holds something else and was kept", entry.path().string(),
                "Choose another folder, or move that away"};
    }
}

void PartFolder::commit()
{
    refuseWhatIsNotOurs();
    std::error_code code;
    fs::path old;
    if (fs::exists(m_folder, code)) {
        old = m_folder;
        old += unique() + ".old";
        fs::rename(m_folder, old, code);
        if (code)
            failWith(code, "replace the folder", m_folder);
    }
    fs::rename(m_part, m_folder, code);
    if (code) {
        std::error_code ignored;
        if (!old.empty())
            fs::rename(old, m_folder, ignored);
        failWith(code, "give the finished folder its name", m_folder);
    }
    m_done = true;
    if (!old.empty())
        fs::remove_all(old, code);
}

} // namespace expertscope
