#include "training/trainer.h"

#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/GradMode.h>

#include <chrono>
#include <cmath>

#include "core/cancel.h"
#include "core/error.h"
#include "core/fingerprint.h"
#include "core/folder_lock.h"
#include "core/log.h"
#include "core/progress.h"
#include "core/resident_memory.h"
#include "training/checkpoint.h"
#include "training/ema.h"
#include "training/gradient_buckets.h"
#include "training/metrics_log.h"
#include "training/optimizer.h"
#include "training/run_report.h"

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

/// What this process takes, and, of a GPU, everybody.
std::string memory_text(const at::Device& device) {
  constexpr double gigabyte = 1e9;
  std::string text = fmt::format("{:.2f} GB", static_cast<double>(resident_bytes()) / gigabyte);
  if (!device.is_cuda()) return text;
  const auto [free, total] = c10::getDeviceAllocator(device.type())->getMemoryInfo(device.index());
  return text + fmt::format(", GPU {:.1f} of {:.1f} GB", static_cast<double>(total - free) / gigabyte,
                            static_cast<double>(total) / gigabyte);
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
  double load();
  void expect_one_run() const;
  double fraction_done() const;
  bool finished() const { return budget_ ? fraction_done() >= 1 : step_ >= config_.steps; }
  struct Plan {
    bool stop = false, finished = false, keep = false, show = false;
    double fraction_done = 0;
  };
  Plan plan() const;
  StepLoss make_gradients();
  void one_step(double fraction_done);
  std::function<void()> begin_means(StepLoss& loss) const;
  void count(const AdamW::Outcome& outcome, const StepLoss& loss, double learning_rate);
  void read_back();
  bool train_steps();
  void save(const AdamW::Moments& moments);
  void export_average();
  void show();
  void keep();
  bool show_at_the_end() const;
  bool shows_the_beginning() const;
  double samples_per_second() const;
  void report(Progress& progress) const;
  void write_report() const;

  Stage& stage_;
  const TrainerConfig& config_;
  const TrainRun& run_;
  ProcessGroup& group_;
  const std::string fingerprint_;
  NamedTensors parameters_;
  GradientBuckets buckets_;
  AdamW optimizer_;
  Ema ema_;
  int64_t step_ = 0;
  AdamW::Moments loaded_moments_;  // of the checkpoint, until the processes have shared them out
  Tensor tally_;            // float64 on the device: the last good loss; skipped steps in all, in a row, in the longest row
  Tensor pending_metrics_;  // of the checkpoint
  Stopwatch clock_;
  double session_start_;                       // in training time
  std::optional<double> budget_;               // training time over all sessions, of runs by the clock
  double keep_seconds_, show_seconds_ = 1;     // what the end will take
  Json config_patch_ = Json::object();         // of the last export
  double checkpoint_at_ = 0, preview_at_ = 0;  // training time of the last ones
  TrainSummary summary_;
  std::optional<MetricsLog> metrics_;  // of the first process
};

Trainer::Trainer(Stage& stage, const TrainerConfig& config, const TrainRun& run)
    : stage_(stage),
      config_(config),
      run_(run),
      group_(*run.group),
      fingerprint_(fingerprint_text(fingerprint(json_text(stage.settings()) + std::to_string(run.seed)))),
      parameters_(stage.parameters()),
      buckets_(parameters_, run.group),
      optimizer_(parameters_, {config.beta1, config.beta2, config.eps, config.weight_decay, config.gradient_clip},
                 run.share_moments ? run.group : nullptr),
      ema_(parameters_, config.ema_decay),
      tally_(at::zeros({4}, at::TensorOptions().dtype(at::kDouble).device(parameters_.begin()->second.device()))),
      clock_(resume()),
      session_start_(clock_.seconds()),
      budget_(time_budget(run, session_start_)),
      keep_seconds_(writing_seconds(parameters_)) {
  summary_.first_step = step_;
  if (!group_.is_first()) return;
  metrics_.emplace(run.folder, stage.part_names(), config.items_per_step(), step_, clock_.seconds(), tally_.device());
  if (pending_metrics_.defined()) metrics_->restore(pending_metrics_);
  Json settings = {
      {"stage", stage.name()}, {"seed", run.seed}, {"settings_fingerprint", fingerprint_}, {"settings", stage.settings()}};
  settings["precision"] = dtype_name(run.dtype);
  settings["schedule"] = budget_ ? fmt::format("{:.6g} minutes", *budget_ / 60) : fmt::format("{} steps", config.steps);
  write_json_file(run.folder / "settings.json", settings);
}

/// All processes begin with what the first one has. → training seconds of earlier sessions.
double Trainer::resume() {
  expect_one_run();
  double seconds = group_.is_first() ? load() : 0;
  if (group_.size() == 1) return seconds;
  const Tensor state = at::tensor({static_cast<double>(step_), static_cast<double>(optimizer_.updates()), seconds}, at::kDouble);
  group_.broadcast({state});
  const double* values = state.const_data_ptr<double>();
  step_ = std::llround(values[0]);
  optimizer_.set_updates(std::llround(values[1]));
  const c10::NoGradGuard no_grad;
  std::vector<Tensor> tensors;
  std::vector<const NamedTensors*> groups = {&parameters_, &ema_.values()};
  if (!optimizer_.is_shared()) groups.insert(groups.end(), {&optimizer_.means(), &optimizer_.squares()});
  for (const NamedTensors* group : groups)
    for (const auto& [name, tensor] : *group) tensors.push_back(tensor.detach());
  group_.broadcast(tensors);
  if (optimizer_.is_shared() && step_ > 0) optimizer_.scatter(loaded_moments_, checkpoint_path(run_.folder).string());
  loaded_moments_ = {};
  return values[2];
}

/// Throws Error when a process was started with other settings, data or seed than the first one.
void Trainer::expect_one_run() const {
  const auto own = static_cast<int64_t>(fingerprint(std::string_view(fingerprint_)));
  const Tensor first = at::full({1}, own, at::kLong);
  group_.broadcast({first});
  require(first.item<int64_t>() == own, "process {} of {} has other settings, data or another seed than process 0", group_.rank(),
          group_.size());
}

/// Restores the folder's checkpoint. → training seconds of earlier sessions.
double Trainer::load() {
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
  if (optimizer_.is_shared()) {
    loaded_moments_ = {checkpoint.adam_means, checkpoint.adam_squares};
  } else {
    restore_tensors(optimizer_.means(), checkpoint.adam_means, where);
    restore_tensors(optimizer_.squares(), checkpoint.adam_squares, where);
  }
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

/// What comes next, the same for all processes: whoever is told to stop stops all, and the clock is the first one's.
Trainer::Plan Trainer::plan() const {
  const double now = clock_.seconds();
  const bool keep = now - checkpoint_at_ >= config_.checkpoint_minutes * 60;
  Plan plan{cancel_requested(), finished(), keep, keep && now - preview_at_ >= config_.preview_minutes * 60, fraction_done()};
  if (group_.size() == 1) return plan;
  const double first = group_.is_first() ? 1 : 0;
  const Tensor values = group_.sum(at::tensor({plan.stop ? 1.0 : 0.0, plan.finished ? first : 0.0, plan.keep ? first : 0.0,
                                               plan.show ? first : 0.0, plan.fraction_done * first},
                                              at::kDouble));
  const double* value = values.const_data_ptr<double>();
  return {value[0] > 0, value[1] > 0, value[2] > 0, value[3] > 0, value[4]};
}

/// Begins to make loss and parts their means over all processes; the function that is returned ends it.
std::function<void()> Trainer::begin_means(StepLoss& loss) const {
  if (group_.size() == 1) return [] {};
  const c10::NoGradGuard no_grad;
  std::vector<Tensor> scalars = {loss.loss.detach().reshape({})};
  for (const auto& [name, part] : loss.parts) scalars.push_back(part.detach().to(scalars[0].options()).reshape({}));
  const Tensor sums = at::stack(scalars);
  return [this, &loss, sums, end = group_.begin_sum(sums)] {
    end();
    const Tensor means = sums / static_cast<double>(group_.size());
    loss.loss = means[0];
    for (size_t i = 0; i < loss.parts.size(); ++i) loss.parts[i].second = means[static_cast<int64_t>(i) + 1];
  };
}

/// Adds a batch's loss and parts, without their past, to the step's means.
void add(StepLoss& means, const StepLoss& batch, double weight) {
  const c10::NoGradGuard no_grad;
  const auto add_one = [&](Tensor& mean, const Tensor& value) {
    const Tensor share = weight == 1 ? value.detach() : value.detach() * weight;
    mean = mean.defined() ? mean + share : share;
  };
  add_one(means.loss, batch.loss);
  means.parts.resize(batch.parts.size());
  for (size_t i = 0; i < batch.parts.size(); ++i) {
    means.parts[i].first = batch.parts[i].first;
    add_one(means.parts[i].second, batch.parts[i].second);
  }
}

/// Loss and gradients of a step, means over its batches and over all processes. Processes exchange them once, with the last
/// batch.
StepLoss Trainer::make_gradients() {
  const BatchShare share = group_.share(config_.items_per_step());
  const int64_t batches = config_.accumulate;
  StepLoss result;
  std::function<void()> end_means;
  for (int64_t i = 0; i < batches; ++i) {
    const bool last = i + 1 == batches;
    stage_.prefetch(last ? step_ + 1 : step_, run_.seed, share.part(last ? 0 : i + 1, batches));
    StepLoss batch;
    {
      const Autocast autocast(run_.device.type(), run_.dtype);
      batch = stage_.loss(step_, run_.seed, share.part(i, batches));
    }
    add(result, batch, 1 / static_cast<double>(batches));
    if (last) end_means = begin_means(result);
    buckets_.set_more_to_come(!last);
    (batches == 1 ? batch.loss : batch.loss / static_cast<double>(batches)).backward();
  }
  buckets_.finish();
  end_means();
  return result;
}

void Trainer::one_step(double fraction_done) {
  const CancelHeld held;  // the networks look for Ctrl-C by themselves, and half a step would lose what was done since the last
                          // checkpoint
  const double learning_rate = scheduled_learning_rate(config_, step_, fraction_done);
  const StepLoss result = make_gradients();
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
  if (metrics_) metrics_->add({learning_rate, outcome.good, outcome.gradient_norm, loss.loss, loss.parts});
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

void Trainer::save(const AdamW::Moments& moments) {
  save_checkpoint(checkpoint_path(run_.folder), {parameters_, ema_.values(), moments.means, moments.squares, step_,
                                                 optimizer_.updates(), clock_.seconds(), metrics_->pending(), fingerprint_});
}

void Trainer::export_average() {
  const CancelHeld held;
  const c10::NoGradGuard no_grad;
  const Ema::Swap averaged(ema_);
  config_patch_ = stage_.export_weights(run_.folder / "model");
  if (run_.update) run_.update->complete(config_patch_);
}

/// Shows what the averaged weights do.
void Trainer::show() {
  if (!group_.is_first()) return;
  const CancelHeld held;
  const double start = clock_.seconds();
  const c10::NoGradGuard no_grad;
  const Ema::Swap averaged(ema_);
  const Autocast autocast(run_.device.type(), run_.dtype);
  for (const Preview& preview : stage_.preview()) {
    save_png(run_.folder / "previews" / fmt::format("{}-{:07d}.png", preview.name, step_), preview.image);
    metrics_->image(step_, preview);
  }
  metrics_->flush();
  show_seconds_ = 1.2 * (clock_.seconds() - start);
}

/// Writes the weights, and all that a later session needs.
void Trainer::keep() {
  read_back();
  const double start = clock_.seconds();
  const AdamW::Moments moments = optimizer_.gathered();
  if (!group_.is_first()) return;
  export_average();
  save(moments);
  keep_seconds_ = 1.2 * (clock_.seconds() - start);
}

/// A run by the clock ends in time rather than with a picture.
bool Trainer::show_at_the_end() const {
  return !budget_ || clock_.seconds() + show_seconds_ < *budget_;
}

/// What there was before the first step: for the report. A short run by the clock has better things to do.
bool Trainer::shows_the_beginning() const {
  constexpr double long_enough_seconds = 300;
  return step_ == 0 && (!budget_ || *budget_ >= long_enough_seconds);
}

/// Of this session.
double Trainer::samples_per_second() const {
  const double seconds = clock_.seconds() - session_start_;
  return static_cast<double>((step_ - summary_.first_step) * config_.items_per_step()) / std::max(seconds, 1e-9);
}

void Trainer::write_report() const {
  if (!group_.is_first()) return;
  write_run_report(run_.folder, "gsv3d train " + stage_.name(),
                   {{"steps", fmt::format("{}, {} skipped in the last session", step_, summary_.skipped)},
                    {"time", fmt::format("{:.0f} s over all sessions", clock_.seconds())},
                    {"speed", fmt::format("{:.3g} samples a second in the last session", samples_per_second())},
                    {"memory", memory_text(run_.device)},
                    {"processes", std::to_string(group_.size())},
                    {"precision", fmt::format("{} on {}", dtype_name(run_.dtype), run_.device.str())},
                    {"last loss", fmt::format("{:.5g}", summary_.last_loss)}});
}

void Trainer::report(Progress& progress) const {
  const double done = budget_ ? clock_.seconds() : static_cast<double>(step_ - summary_.first_step);
  if (!progress.is_due()) return progress.update(static_cast<int64_t>(done));  // asking for memory takes a GPU's time
  const std::string skipped = summary_.skipped > 0 ? fmt::format("  {} skipped", summary_.skipped) : "";
  progress.update(static_cast<int64_t>(done),
                  fmt::format("step {}  loss {:.4f}  {:.3g} samples/s  {}{}", step_, summary_.last_loss, samples_per_second(),
                              memory_text(run_.device), skipped));
}

/// → whether it was asked to stop before the end.
bool Trainer::train_steps() {
  Progress progress("train " + stage_.name(), budget_ ? static_cast<int64_t>(*budget_) : config_.steps - step_);
  const int64_t read_back_steps = run_.read_back_steps > 0   ? run_.read_back_steps
                                  : tally_.device().is_cpu() ? 1
                                                             : config_.log_steps;
  if (shows_the_beginning()) show();
  checkpoint_at_ = preview_at_ = clock_.seconds();
  Plan next = plan();
  while (!next.finished && !next.stop) {
    if (run_.between_steps) run_.between_steps();
    one_step(next.fraction_done);
    if (step_ % read_back_steps == 0) read_back();
    if (metrics_ && step_ % config_.log_steps == 0) metrics_->write_row(step_, clock_.seconds());
    report(progress);
    next = plan();
    if (next.finished || next.stop || !next.keep) continue;
    keep();
    checkpoint_at_ = clock_.seconds();
    if (next.show) show(), preview_at_ = checkpoint_at_ = clock_.seconds();
    next = plan();
  }
  // Cancelled only when there is something left to do: the last step may end as the request arrives.
  return !next.finished;
}

TrainSummary Trainer::train() {
  summary_.had_ended = step_ > 0 && finished();
  const bool cancelled = train_steps();
  if (metrics_ && !cancelled) metrics_->write_row(step_, clock_.seconds());
  if (summary_.had_ended) {
    if (group_.is_first()) export_average();
  } else {
    keep();
  }
  if (cancelled) {
    write_report();
    group_.barrier();  // a launcher ends all processes when one returns with an error
    spdlog::info("train {}: stopped at step {}; the same command goes on from here; the weights so far are in {}", stage_.name(),
                 step_, (run_.folder / "model").string());
    throw Cancelled();
  }
  if (group_.is_first() && run_.update) run_.update->install(config_patch_);
  if (!summary_.had_ended && show_at_the_end()) show();
  if (!summary_.had_ended) write_report();
  group_.barrier();
  summary_.steps = step_;
  summary_.seconds = clock_.seconds();
  return summary_;
}

}  // namespace

TrainSummary run_training(Stage& stage, const TrainerConfig& config, const TrainRun& run) {
  std::optional<FolderLock> alone;
  if (run.group->is_first()) {
    std::filesystem::create_directories(run.folder);
    alone = FolderLock::take(run.folder);
    require(alone.has_value(), "{} is the run folder of a training that has not ended", run.folder.string());
  }
  return Trainer(stage, config, run).train();
}

}  // namespace gsv3d
