// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "views/common/csv.h"

#include <charconv>
#include <cmath>

namespace expertscope {

void CsvWriter::separate()
{
    if (m_rowStarted)
        m_text += ',';
    m_rowStarted = true;
}

CsvWriter &CsvWriter::field(std::string_view text)
{
    separate();
    if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
        m_text += text;
        return *this;
    }
    m_text += '"';
    for (const char c : text) {
        if (c == '"')
            m_text += '"';
        m_text += c;
    }
    m_text += '"';
    return *this;
}

CsvWriter &CsvWriter::field(double value)
{
    separate();
    if (!std::isnan(value)) {
        char buffer[32];
        const auto end = std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value)).ptr;
        m_text.append(buffer, end);
    }
    return *this;
}

CsvWriter &CsvWriter::field(std::int64_t value)
{
    separate();
    m_text += std::to_string(value);
    return *this;
}

void CsvWriter::endRow()
{
    m_text += "\r\n";
    m_rowStarted = false;
}

} // namespace expertscope
