// SPDX-FileCopyrightText: 2026 The Expertscope authors
// SPDX-License-Identifier: Apache-2.0
// ResultPanel: the result of an experiment as pages, with its definition one click away; or why there is none yet.
#pragma once

#include "views/common/experiment_model.h"

#include <QStackedWidget>

class QLabel;
class QPainter;
class QTextBrowser;

namespace expertscope {

class ResultPages;

class ResultPanel : public QStackedWidget {
    Q_OBJECT
public:
    /// advice: what is said while there is no result.
    explicit ResultPanel(const QString &advice, QWidget *parent = nullptr);

    void setResult(const ExperimentResultPtr &result);
    const ExperimentResultPtr &result() const { return m_shown; }
    ResultPages *pages() const { return m_pages; }
    void paintFigure(QPainter &painter, const QRectF &target) const;
    std::string csv() const; ///< the table that is chosen

protected:
    void changeEvent(QEvent *event) override;

private:
    void showDefinition();

    QString m_advice;
    ExperimentResultPtr m_shown;
    ResultPages *m_pages;
    QTextBrowser *m_definition; ///< the last page
    QLabel *m_where; ///< the folder
};

} // namespace expertscope
