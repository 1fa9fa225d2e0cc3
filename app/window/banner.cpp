// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/banner.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QStyle>
#include <QToolButton>

namespace expertscope {

namespace {

constexpr int noteSeconds = 8;

QString sentence(const std::string &text)
{
    QString words = QString::fromStdString(text);
    if (!words.isEmpty())
        words[0] = words[0].toUpper();
    if (!words.isEmpty() && !words.endsWith(QLatin1Char{'.'}))
        words += QLatin1Char{'.'};
    return words;
}

} // namespace

Banner::Banner(QWidget *parent)
    : QFrame{parent}
    , m_icon{new QLabel{this}}
    , m_text{new QLabel{this}}
{
    setObjectName(QStringLiteral("banner"));
    setFrameShape(QFrame::StyledPanel);
    setSizePolicy(QSizePolicy::Preferred, QSizePolicy::Maximum);
    setAutoFillBackground(true);
    setBackgroundRole(QPalette::ToolTipBase);
    m_text->setObjectName(QStringLiteral("bannerText"));
    m_text->setForegroundRole(QPalette::ToolTipText);
    m_text->setWordWrap(true);
    m_text->setTextFormat(Qt::RichText);
    m_text->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_text->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Preferred);
    auto *close = new QToolButton{this};
    close->setObjectName(QStringLiteral("bannerClose"));
    close->setAutoRaise(true);
    close->setIcon(style()->standardIcon(QStyle::SP_DialogCloseButton));
    close->setToolTip(tr("Close this message"));
    connect(close, &QToolButton::clicked, this, &QWidget::hide);
    auto *layout = new QHBoxLayout{this};
    layout->setContentsMargins(10, 6, 6, 6);
    layout->addWidget(m_icon, 0, Qt::AlignTop);
    layout->addWidget(m_text, 1);
    layout->addWidget(close, 0, Qt::AlignTop);
    m_noteTime.setSingleShot(true);
    m_noteTime.setInterval(noteSeconds * 1000);
    connect(&m_noteTime, &QTimer::timeout, this, &QWidget::hide);
    hide();
}

void Banner::showError(const Error &error)
{
    const QString what = sentence(error.message), where = QString::fromStdString(error.where), remedy = sentence(error.remedy);
    const QString place = where.isEmpty() ? QString{} : tr("Where: %1").arg(where.toHtmlEscaped()) + QStringLiteral("<br>");
    display(QStringLiteral("<b>%1</b><br>%2%3").arg(what.toHtmlEscaped(), place, remedy.toHtmlEscaped()),
        QStringList{what, where, remedy}.join(QLatin1Char{'\n'}), true);
}

void Banner::showNote(const QString &text)
{
    // A note never hides an error that has not been read.
    if (isVisible() && m_isError)
        return;
    display(text.toHtmlEscaped(), text, false);
}

void Banner::display(const QString &html, const QString &plain, bool isError)
{
    m_isError = isError;
    m_plain = plain;
    if (isError)
        m_noteTime.stop();
    else
        m_noteTime.start();
    const int side = fontMetrics().height() + 4;
    m_icon->setPixmap(style()->standardIcon(isError ? QStyle::SP_MessageBoxWarning : QStyle::SP_MessageBoxInformation).pixmap(side, side));
    m_text->setText(html);
    show();
}

QString Banner::text() const
{
    return m_plain;
}

} // namespace expertscope
