#include "training/trainer.h"

#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>

#include "core/cancel.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/log.h"
#include "core/progress.h"
#include "training/checkpoint.h"
#include "training/ema.h"
#include "training/metrics_log.h"
#include "training/optimizer.h"

namespace gsv3d {
namespace {

constexpr int64_t kMostSkippedInARow = 20;

/// Training time over all sessions.
class Stopwatch {
 public:
  explicit Stopwatch(double earlier_seconds) : earlier_(earlier_seconds), start_(std::chrono::steady_clock::now()) {}
  double seconds() const { return earlier_ + std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

 private:
  double earlier_;
  std::chrono::steady_clock::time_point start_;
};

std::optional<double> time_budget(const TrainRun& run, double earlier_seconds) {
  if (run.minutes) return *run.minutes * 60;
  if (!run.seconds) return {};
  return earlier_seconds + *run.seconds - std::chrono::duration<double>(std::chrono::steady_clock::now() - run.started).count();
}

/// A cautious guess of how long export and checkpoint take, until one was measured.
double writing_seconds(const NamedTensors& parameters) {
  constexpr double copies = 4.5, bytes_per_second = 1e8;  // parameters, average, two moments, and the export as fp16
  double bytes = 0;
  for (const auto& [name, parameter] : parameters) bytes += static_cast<double>(parameter.nbytes());
  return 1 + copies * bytes / bytes_per_second;
}

class Trainer {
 public:
  Trainer(Stage& stage, const TrainerConfig& config, const TrainRun& run);
  TrainSummary train();

 private:
  double resume();
  double fraction_done() const;
  bool finished() const { return budget_ ? fraction_done() >= 1 : step_ >= config_.steps; }
  void one_step();
  void count(const AdamW::Outcome& outcome, const StepLoss& loss, double learning_rate);
  void read_back();
  void train_steps();
  void save();
  void export_average();
  void show();
  void keep();
  bool show_at_the_end() const;
  void report(Progress& progress) const;

  Stage& stage_;
  const TrainerConfig& config_;
  const TrainRun& run_;
  const std::string fingerprint_;
  NamedTensors parameters_;
  AdamW optimizer_;
  Ema ema_;
  int64_t step_ = 0;
  Tensor tally_;            // float64 on the device: the last good loss; skipped steps in all, in a row, in the longest row
  Tensor pending_metrics_;  // of the checkpoint
  Stopwatch clock_;
  double session_start_;                    // in training time
  std::optional<double> budget_;            // training time over all sessions, of runs by the clock
  double keep_seconds_, show_seconds_ = 1;  // what the end will take
  Json config_patch_ = Json::object();      // of the last export
  TrainSummary summary_;
  MetricsLog metrics_;
};

Trainer::Trainer(Stage& stage, const TrainerConfig& config, const TrainRun& run)
    : stage_(stage),
      config_(config),
      run_(run),
      fingerprint_(fingerprint_text(fingerprint(json_text(stage.settings()) + std::to_string(run.seed)))),
      parameters_(stage.parameters()),
      optimizer_(parameters_, {config.beta1, config.beta2, config.eps, config.weight_decay, config.gradient_clip}),
      ema_(parameters_, config.ema_decay),
      tally_(at::zeros({4}, at::TensorOptions().dtype(at::kDouble).device(parameters_.begin()->second.device()))),
      clock_(resume()),
      session_start_(clock_.seconds()),
      budget_(time_budget(run, session_start_)),
      keep_seconds_(writing_seconds(parameters_)),
      metrics_(run.folder, stage.part_names(), config.batch, step_, clock_.seconds(), tally_.device()) {
  if (pending_metrics_.defined()) metrics_.restore(pending_metrics_);
  summary_.first_step = step_;
  Json settings = {
      {"stage", stage.name()}, {"seed", run.seed}, {"settings_fingerprint", fingerprint_}, {"settings", stage.settings()}};
  settings["precision"] = dtype_name(run.dtype);
  settings["schedule"] = budget_ ? fmt::format("{:.6g} minutes", *budget_ / 60) : fmt::format("{} steps", config.steps);
  write_json_file(run.folder / "settings.json", settings);
}

/// Restores the folder's checkpoint. → training seconds of earlier sessions.
double Trainer::resume() {
  if (!run_.resume || !std::filesystem::exists(checkpoint_path(run_.folder))) return 0;
  const TrainingCheckpoint checkpoint = load_checkpoint(checkpoint_path(run_.folder));
  const std::string where = checkpoint_path(run_.folder).string();
  require(checkpoint.settings_fingerprint == fingerprint_,
          "{}: belongs to a run with another configuration, data or seed (see settings.json beside it); choose another run "
          "folder, or "
          "--no-resume to start over",
          where);
  restore_tensors(parameters_, checkpoint.parameters, where);
  restore_tensors(ema_.values(), checkpoint.ema, where);
  restore_tensors(optimizer_.means(), checkpoint.adam_means, where);
  restore_tensors(optimizer_.squares(), checkpoint.adam_squares, where);
  optimizer_.set_updates(checkpoint.updates);
  step_ = checkpoint.step;
  pending_metrics_ = checkpoint.pending_metrics;
  spdlog::info("{}: resuming at step {}", stage_.name(), step_);
  return checkpoint.elapsed_seconds;
}

/// The learning rate reaches its end when only the time for the last export is left.
double Trainer::fraction_done() const {
  if (!budget_) return static_cast<double>(step_) / static_cast<double>(config_.steps);
  const double now = clock_.seconds(), steps = static_cast<double>(step_ - summary_.first_step);
  const double step_seconds = steps > 0 ? (now - session_start_) / steps : 0;
  const double end = std::max(*budget_ - keep_seconds_ - show_seconds_, 0.9 * *budget_) - step_seconds;
  return end > 0 ? now / end : 1;
}

void Trainer::one_step() {
  const double learning_rate = scheduled_learning_rate(config_, step_, fraction_done());
  StepLoss result;
  {
    const Autocast autocast(run_.device.type(), run_.dtype);
    result = stage_.loss(step_, run_.seed);
  }
  result.loss.backward();
  const AdamW::Outcome outcome = optimizer_.step(learning_rate, result.loss);
  ema_.update(step_);
  optimizer_.zero_gradients();
  ++step_;
  count(outcome, result, learning_rate);
}

/// Adds a step to tally and metrics, on the device.
void Trainer::count(const AdamW::Outcome& outcome, const StepLoss& loss, double learning_rate) {
  const c10::NoGradGuard no_grad;
  const Tensor good = outcome.good.to(at::kDouble), bad = 1 - good, row = (tally_[2] + bad) * bad;
  const Tensor value = loss.loss.detach().to(at::kDouble).reshape({});
  tally_ = at::stack({at::where(good > 0, value, tally_[0]), tally_[1] + bad, row, at::maximum(tally_[3], row)});
  metrics_.add({learning_rate, outcome.good, outcome.gradient_norm, loss.loss, loss.parts});
}

/// Waits for the device and looks at the tally.
void Trainer::read_back() {
  const Tensor tally = tally_.cpu();
  const double* values = tally.const_data_ptr<double>();
  summary_.last_loss = values[0];
  summary_.skipped = std::llround(values[1]);
  require(values[3] < kMostSkippedInARow,
          "training {}: the loss or its gradient was not finite in {} steps in a row (step {}); lower learning_rate, or use "
          "--dtype fp32",
          stage_.name(), kMostSkippedInARow, step_);
}

void Trainer::save() {
  save_checkpoint(checkpoint_path(run_.folder), {parameters_, ema_.values(), optimizer_.means(), optimizer_.squares(), step_,
                                                 optimizer_.updates(), clock_.seconds(), metrics_.pending(), fingerprint_});
}

void Trainer::export_average() {
  const c10::NoGradGuard no_grad;
  const Ema::Swap averaged(ema_);
  config_patch_ = stage_.export_weights(run_.folder / "model");
  if (run_.update) run_.update->complete(config_patch_);
}

/// Shows what the averaged weights do.
void Trainer::show() {
  const double start = clock_.seconds();
  const c10::NoGradGuard no_grad;
  const Ema::Swap averaged(ema_);
  const Autocast autocast(run_.device.type(), run_.dtype);
  for (const Preview& preview : stage_.preview()) {
    save_png(run_.folder / "previews" / fmt::format("{}-{:07d}.png", preview.name, step_), preview.image);
    metrics_.image(step_, preview);
  }
  metrics_.flush();
  show_seconds_ = 1.2 * (clock_.seconds() - start);
}

/// Writes the weights, and all that a later session needs.
void Trainer::keep() {
  read_back();
  const double start = clock_.seconds();
  export_average();
  save();
  keep_seconds_ = 1.2 * (clock_.seconds() - start);
}

/// A run by the clock ends in time rather than with a picture.
bool Trainer::show_at_the_end() const {
  return !budget_ || clock_.seconds() + show_seconds_ < *budget_;
}

void Trainer::report(Progress& progress) const {
  const std::string skipped = summary_.skipped > 0 ? fmt::format("  {} skipped", summary_.skipped) : "";
  const double done = budget_ ? clock_.seconds() : static_cast<double>(step_ - summary_.first_step);
  progress.update(static_cast<int64_t>(done), fmt::format("step {}  loss {:.4f}{}", step_, summary_.last_loss, skipped));
}

void Trainer::train_steps() {
  Progress progress("train " + stage_.name(), budget_ ? static_cast<int64_t>(*budget_) : config_.steps - step_);
  const int64_t read_back_steps = run_.read_back_steps > 0   ? run_.read_back_steps
                                  : tally_.device().is_cpu() ? 1
                                                             : config_.log_steps;
  double checkpoint_at = clock_.seconds(), preview_at = checkpoint_at;
  while (!finished() && !cancel_requested()) {
    if (run_.between_steps) run_.between_steps();
    one_step();
    if (step_ % read_back_steps == 0) read_back();
    if (step_ % config_.log_steps == 0) metrics_.write_row(step_, clock_.seconds());
    report(progress);
    if (clock_.seconds() - checkpoint_at >= config_.checkpoint_minutes * 60) {
      keep();
      checkpoint_at = clock_.seconds();
      if (checkpoint_at - preview_at >= config_.preview_minutes * 60) {
        show();
        preview_at = checkpoint_at = clock_.seconds();
      }
    }
  }
}

TrainSummary Trainer::train() {
  summary_.had_ended = step_ > 0 && finished();
  train_steps();
  // Cancelled only when there is something left to do: the last step may end as the request arrives.
  const bool cancelled = cancel_requested() && !finished();
  if (!cancelled) metrics_.write_row(step_, clock_.seconds());
  if (summary_.had_ended) {
    export_average();
  } else {
    keep();
  }
  if (cancelled) {
    spdlog::info("train {}: stopped at step {}; the same command goes on from here; the weights so far are in {}", stage_.name(),
                 step_, (run_.folder / "model").string());
    throw Cancelled();
  }
  if (run_.update) run_.update->install(config_patch_);
  if (!summary_.had_ended && show_at_the_end()) show();
  summary_.steps = step_;
  summary_.seconds = clock_.seconds();
  return summary_;
}

}  // namespace

TrainSummary run_training(Stage& stage, const TrainerConfig& config, const TrainRun& run) {
  std::filesystem::create_directories(run.folder);
  return Trainer(stage, config, run).train();
}

}  // namespace gsv3d
