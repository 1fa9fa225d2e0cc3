// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
#include "app/window/file_drop.h"

#include "app/workbench.h"

#include <QDir>
#include <QDropEvent>
#include <QFileInfo>
#include <QLabel>
#include <QMimeData>
#include <QUrl>
#include <QWindow>

namespace expertscope {

namespace {

QStringList localFiles(const QMimeData *data)
{
    QStringList paths;
    for (const QUrl &url : data->urls())
        if (url.isLocalFile())
            paths << QDir::cleanPath(url.toLocalFile());
    return paths;
}

QString kindName(PathKind kind)
{
    switch (kind) {
    case PathKind::Model:
        return FileDrop::tr("model");
    case PathKind::Trace:
        return FileDrop::tr("trace");
    case PathKind::Recipe:
        return FileDrop::tr("recipe");
    case PathKind::Corpus:
        break;
    }
    return FileDrop::tr("corpus");
}

} // namespace

FileDrop::FileDrop(QWidget *window, Purpose purpose)
    : QObject{window}
    , m_window{window}
    , m_purpose{std::move(purpose)}
    , m_sign{new QLabel{window}}
{
    m_sign->setObjectName(QStringLiteral("dropSign"));
    m_sign->setTextFormat(Qt::PlainText);
    m_sign->setAlignment(Qt::AlignCenter);
    m_sign->setMargin(18);
    m_sign->setFrameShape(QFrame::Box);
    m_sign->setAutoFillBackground(true);
    m_sign->setAttribute(Qt::WA_TransparentForMouseEvents);
    m_sign->hide();
    window->installEventFilter(this);
}

bool FileDrop::eventFilter(QObject *watched, QEvent *event)
{
    if (watched == m_window) {
        // The window system's own events come to the QWindow before any widget can take them.
        if (event->type() == QEvent::Show && m_window->windowHandle())
            m_window->windowHandle()->installEventFilter(this);
        return QObject::eventFilter(watched, event);
    }
    switch (event->type()) {
    case QEvent::DragLeave:
        m_sign->hide();
        break;
    case QEvent::DragEnter:
    case QEvent::DragMove:
    case QEvent::Drop: {
        auto *drop = static_cast<QDropEvent *>(event);
        const QStringList paths = localFiles(drop->mimeData());
        if (paths.isEmpty())
            break;
        drop->setDropAction(Qt::CopyAction); // opening leaves a file where it is, whatever was proposed
        drop->accept();
        const QPoint at = drop->position().toPoint();
        if (event->type() == QEvent::Drop) {
            m_sign->hide();
            emit dropped(paths, at);
        } else {
            show(paths, at);
        }
        return true;
    }
    default:
        break;
    }
    return QObject::eventFilter(watched, event);
}

void FileDrop::show(const QStringList &paths, const QPoint &at)
{
    const QString purpose = m_purpose ? m_purpose(at) : QString();
    if (m_sign->isVisible() && purpose == m_shownFor)
        return;
    m_shownFor = purpose;
    QStringList lines;
    for (const QString &path : paths.mid(0, 5)) {
        const QString name = QFileInfo{path}.fileName();
        lines << (purpose.isEmpty() ? tr("Drop to open as a %1: %2").arg(kindName(pathKind(path)), name)
                                    : tr("Drop to %1: %2").arg(purpose, name));
    }
    if (paths.size() > lines.size())
        lines << tr("and %1 more").arg(paths.size() - lines.size());
    m_sign->setPalette(m_window->palette());
    m_sign->setText(lines.join(u'\n'));
    m_sign->adjustSize();
    m_sign->move((m_window->width() - m_sign->width()) / 2, (m_window->height() - m_sign->height()) / 2);
    m_sign->show();
    m_sign->raise();
}

} // namespace expertscope
