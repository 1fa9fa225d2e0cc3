// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "engine/core/csv.h"

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
    return number(value);
}

CsvWriter &CsvWriter::field(float value)
{
    return number(value);
}

template<typename Real>
CsvWriter &CsvWriter::number(Real value)
{
    separate();
    if (!std::isnan(value)) {
        char buffer[32];
        m_text.append(buffer, std::to_chars(buffer, buffer + sizeof buffer, value).ptr);
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
