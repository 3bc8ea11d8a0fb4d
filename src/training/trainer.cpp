#include "training/trainer.h"

#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>
#include <limits>

#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"
#include "training/checkpoint.h"
#include "training/ema.h"
#include "training/metrics_log.h"
#include "training/optimizer.h"
#include "training/seeds.h"

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

class Trainer {
 public:
  Trainer(Stage& stage, const TrainerConfig& config, const TrainRun& run);
  TrainSummary train();

 private:
  std::filesystem::path checkpoint_path() const { return run_.folder / "checkpoint.safetensors"; }
  double resume();
  double fraction_done() const;
  bool finished() const { return run_.minutes ? fraction_done() >= 1 : step_ >= config_.steps; }
  void one_step();
  void save();
  void publish(bool with_previews);
  void report(Progress& progress) const;

  Stage& stage_;
  const TrainerConfig& config_;
  const TrainRun& run_;
  const std::string fingerprint_;
  NamedTensors parameters_;
  AdamW optimizer_;
  Ema ema_;
  int64_t step_ = 0, skipped_ = 0, skipped_in_a_row_ = 0;
  Tensor pending_metrics_;  // of the checkpoint
  Stopwatch clock_;
  TrainSummary summary_;
  MetricsLog metrics_;
};

Trainer::Trainer(Stage& stage, const TrainerConfig& config, const TrainRun& run)
    : stage_(stage),
      config_(config),
      run_(run),
      fingerprint_(fingerprint_text(fingerprint(json_text(stage.settings()) + std::to_string(run.seed)))),
      parameters_(stage.parameters()),
      optimizer_(parameters_, {config.beta1, config.beta2, config.eps, config.weight_decay}),
      ema_(parameters_, config.ema_decay),
      clock_(resume()),
      metrics_(run.folder, stage.part_names(), config.batch, step_, clock_.seconds()) {
  if (pending_metrics_.defined()) metrics_.restore(pending_metrics_);
  summary_.first_step = step_;
  Json settings = {
      {"stage", stage.name()}, {"seed", run.seed}, {"settings_fingerprint", fingerprint_}, {"settings", stage.settings()}};
  settings["precision"] = dtype_name(run.dtype);
  settings["schedule"] = run.minutes ? fmt::format("{} minutes", *run.minutes) : fmt::format("{} steps", config.steps);
  write_json_file(run.folder / "settings.json", settings);
}

/// Restores the folder's checkpoint. → training seconds of earlier sessions.
double Trainer::resume() {
  if (!run_.resume || !std::filesystem::exists(checkpoint_path())) return 0;
  const Checkpoint checkpoint = load_checkpoint(checkpoint_path());
  const std::string where = checkpoint_path().string();
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

double Trainer::fraction_done() const {
  return run_.minutes ? clock_.seconds() / (*run_.minutes * 60) : static_cast<double>(step_) / static_cast<double>(config_.steps);
}

void Trainer::one_step() {
  const double learning_rate = scheduled_learning_rate(config_, step_, fraction_done());
  StepLoss result;
  {
    const Autocast autocast(run_.device.type(), run_.dtype);
    result = stage_.loss(step_, run_.seed);
  }
  const double loss = result.loss.item<double>();
  double norm = std::numeric_limits<double>::quiet_NaN();
  if (std::isfinite(loss)) {
    result.loss.backward();
    norm = optimizer_.clip_gradients(config_.gradient_clip);
  }
  ++step_;
  if (std::isfinite(norm)) {
    optimizer_.step(learning_rate);
    ema_.update(optimizer_.updates() - 1);
    StepMetrics metrics{clock_.seconds(), learning_rate, norm, loss, {}};
    for (const auto& [name, value] : result.parts) metrics.parts.push_back(value.item<double>());
    metrics_.add(metrics);
    summary_.last_loss = loss;
    skipped_in_a_row_ = 0;
  } else {
    metrics_.add_skipped();
    ++skipped_;
    require(++skipped_in_a_row_ < kMostSkippedInARow,
            "training {}: the loss or its gradient was not finite in {} steps in a row (step {}); lower learning_rate, or use "
            "--dtype fp32",
            stage_.name(), kMostSkippedInARow, step_);
  }
  optimizer_.zero_gradients();
}

void Trainer::save() {
  save_checkpoint(checkpoint_path(), {parameters_, ema_.values(), optimizer_.means(), optimizer_.squares(), step_,
                                      optimizer_.updates(), clock_.seconds(), metrics_.pending(), fingerprint_});
}

/// Exports the averaged weights and, now and then, shows what they do.
void Trainer::publish(bool with_previews) {
  const c10::NoGradGuard no_grad;
  const Ema::Swap averaged(ema_);
  stage_.export_weights();
  if (!with_previews) return;
  const Autocast autocast(run_.device.type(), run_.dtype);
  for (const Preview& preview : stage_.preview()) {
    save_png(run_.folder / "previews" / fmt::format("{}-{:07d}.png", preview.name, step_), preview.image);
    metrics_.image(step_, preview);
  }
  metrics_.flush();
}

void Trainer::report(Progress& progress) const {
  const int64_t here = step_ - summary_.first_step;
  const std::string skipped = skipped_ > 0 ? fmt::format("  {} skipped", skipped_) : "";
  const double seconds = clock_.seconds();
  progress.update(run_.minutes ? static_cast<int64_t>(seconds) : here,
                  fmt::format("step {}  loss {:.4f}{}", step_, summary_.last_loss, skipped));
}

TrainSummary Trainer::train() {
  const int64_t total = run_.minutes ? static_cast<int64_t>(*run_.minutes * 60) : config_.steps - step_;
  Progress progress("train " + stage_.name(), total);
  double checkpoint_at = clock_.seconds(), preview_at = checkpoint_at;
  while (!finished() && !cancel_requested()) {
    one_step();
    if (step_ % config_.log_steps == 0) metrics_.write_row(step_, clock_.seconds());
    report(progress);
    if (clock_.seconds() - checkpoint_at >= config_.checkpoint_minutes * 60) {
      save();
      const bool with_previews = clock_.seconds() - preview_at >= config_.preview_minutes * 60;
      publish(with_previews);
      checkpoint_at = clock_.seconds();
      if (with_previews) preview_at = checkpoint_at;
    }
  }
  // Cancelled only when there is something left to do: the last step may end as the request arrives.
  const bool cancelled = cancel_requested() && !finished();
  if (!cancelled) metrics_.write_row(step_, clock_.seconds());
  save();
  publish(!cancelled);
  if (cancelled) {
    spdlog::info("train {}: stopped at step {}; the same command goes on from here", stage_.name(), step_);
    throw Cancelled();
  }
  summary_.steps = step_;
  summary_.skipped = skipped_;
  summary_.seconds = clock_.seconds();
  return summary_;
}

}  // namespace

TrainSummary run_training(Stage& stage, const TrainerConfig& config, const TrainRun& run) {
  std::filesystem::create_directories(run.folder);
  return Trainer(stage, config, run).train();
}

}  // namespace gsv3d
