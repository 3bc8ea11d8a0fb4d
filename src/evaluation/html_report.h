// The evaluation as one page for people, and as tables for other programs and papers.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "evaluation/report.h"

namespace gsv3d {

struct ReportContent {
  EvaluationSettings settings;
  std::vector<MethodScores> methods;
  std::vector<AutoencoderScores> autoencoder;
  std::string needs_weights;  ///< needs_weights_note()
};

/// One page without anything from outside: what was evaluated, sortable tables of means and of paired differences with their 95 %
/// intervals, seconds, failures, and per object its scores and its picture of `sheets` (EvaluationSheets; objects without one
/// have none), the first method's worst orbit PSNR first.
std::string html_report(const ReportContent& content, const std::filesystem::path& sheets);

/// A line per method and object that was scored: all columns ("orbit psnr" …), empty where there is no number, the orbit's
/// elevation, and the conditions. The same bytes for the same scores, however the work was shared.
std::string scores_csv(const EvaluationSettings& settings, const std::vector<MethodScores>& methods);

/// FID and KID of each method with their intervals, empty where there is no number, and the conditions.
std::string sets_csv(const EvaluationSettings& settings, const std::vector<MethodScores>& methods);

/// Seconds of each method and object, apart from the scores because no two runs have the same.
std::string timings_csv(const std::vector<MethodScores>& methods);

/// Rows for a tabular: method & mean $\pm$ standard error & … \\, of the shown columns, named in a comment above.
std::string latex_rows(const std::vector<MethodScores>& methods);

/// folder/scores.csv, timings.csv, rows.tex, report.html, evaluation.md and evaluation.json; sets.csv where there are FID and
/// KID.
void write_report(const std::filesystem::path& folder, const ReportContent& content);

/// What a terminal and evaluation.md show: the tables, failures and notes in Markdown.
std::string markdown_report(const ReportContent& content);

}  // namespace gsv3d
