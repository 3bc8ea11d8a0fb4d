// gsv3d submit: photos or words to a service, objects back; `gsv3d generate` and `gsv3d text` with the work done elsewhere.
#include "commands.h"

#if GSV3D_WITH_SERVICE
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/log.h"
#include "core/output_folder.h"
#include "core/progress.h"
#include "core/standard_error.h"
#include "exports/outputs.h"
#include "further_photo_options.h"
#include "generation.h"
#include "photo_batch.h"
#include "run_options.h"
#include "service/client/api_client.h"
#include "service/generation_options.h"
#include "service/job.h"
#include "service_process.h"
#include "setting_options.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

struct SubmitArguments {
  std::vector<fs::path> images;
  std::vector<std::string> texts;
  fs::path output = "out", token_file;
  std::string server = "http://127.0.0.1:8188";
  Json options = Json::object();
  FurtherPhotoOptions views;
  bool skip_existing = false, json = false, quiet = false;
};

/// Looks for Ctrl-C meanwhile.
void wait(std::chrono::milliseconds time) {
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
    throw_if_cancelled();
    std::this_thread::sleep_for(50ms);
  }
}

/// Calls `work` until it succeeds, while the service is not reached, is full or about to end.
template <class Work>
auto patiently(const Work& work) {
  constexpr int most_failures = 15;  // half a minute: a service that is started anew loads its model
  for (int failures = 0;;) {
    std::chrono::seconds pause = 2s;
    try {
      return work();
    } catch (const ApiError& error) {
      if (error.status() != 429 && error.status() != 503) throw;
      pause = std::max(error.retry_after(), 1s);
      spdlog::info("{}; asking again in {} s", error.what(), pause.count());
    } catch (const ConnectionError& error) {
      if (++failures == most_failures) throw;
      spdlog::info("{}; trying again", error.what());
    }
    wait(pause);
  }
}

/// The jobs of this call. Those that have not ended are cancelled when it ends early.
class SubmittedJobs {
 public:
  explicit SubmittedJobs(const ApiClient& client) : client_(client) {}
  ~SubmittedJobs() {
    for (const auto& [photo, id] : open_) {
      try {
        client_.remove("/v1/jobs/" + id);
      } catch (const std::exception& error) {
        print_error(fmt::format("gsv3d: job {} may still run: {}\n", id, error.what()));
      }
    }
  }
  SubmittedJobs(const SubmittedJobs&) = delete;
  SubmittedJobs& operator=(const SubmittedJobs&) = delete;
  void add(size_t photo, const std::string& id) { open_[photo] = id; }
  std::string id_of(size_t photo) const { return open_.count(photo) != 0 ? open_.at(photo) : ""; }
  void ended(size_t photo) { open_.erase(photo); }

 private:
  const ApiClient& client_;
  std::map<size_t, std::string> open_;
};

std::string submitted(const ApiClient& client, const BatchPhoto& photo, const SubmitArguments& arguments) {
  std::vector<SentPart> parts;
  if (photo.text)
    parts.push_back({"text", "", *photo.text});
  else
    parts.push_back({"photo", photo.path.filename().string(), read_file(photo.path)});
  for (const FurtherPhotoOption& view : arguments.views.photos()) {
    std::string name = fmt::format("view:{}", view.azimuth_degrees);
    if (view.elevation_degrees) name += fmt::format(",{}", *view.elevation_degrees);
    parts.push_back({name, view.file.filename().string(), read_file(view.file)});
  }
  const std::string key = random_identifier();  // the same request again, when its answer was lost, is the same job
  const Json job = patiently([&] { return client.post_form("/v1/generations", parts, arguments.options, key); });
  const std::string id = job.value("id", "");
  require(is_job_identifier(id), "the service's answer has no job");
  return id;
}

/// Shows how far the job is, until it has ended. → As it is then.
Json ended_job(const ApiClient& client, const std::string& name, const std::string& id) {
  Json last;
  std::optional<Progress> bar;
  std::string shown;
  const auto on_event = [&](const std::string& type, const std::string& data) {
    if (type != "job") return;
    last = parse_json(data, "the service's event");
    const Json& progress = last.at("progress");
    const std::string stage = shown_text(progress.is_null() ? last.value("state", "") : progress.value("stage", ""));
    const int64_t steps = progress.is_null() ? 1 : progress.value("steps", int64_t{1});
    if (!bar || stage != shown) bar.emplace(fmt::format("{}: {}", name, shown = stage), std::max<int64_t>(steps, 1));
    if (!progress.is_null()) bar->update(progress.value("step", int64_t{0}));
  };
  const auto is_ended = [&] {
    const std::string state = last.is_object() ? last.value("state", "") : "";
    return state == "succeeded" || state == "failed" || state == "cancelled";
  };
  for (int round = 0; !is_ended(); ++round) {
    if (round > 0) wait(1s);  // the service was started anew, or lost patience with a slow line
    patiently([&] { client.watch("/v1/jobs/" + id + "/events", on_event); });
  }
  return last;
}

Json downloaded(const ApiClient& client, const BatchPhoto& photo, const Json& job, const std::string& id,
                const SubmitArguments& arguments) {
  OutputFolder folder(arguments.output, photo.name);
  const auto& known = output_file_names();
  for (const Json& file : job.at("files")) {
    const std::string name = file.value("name", "");
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;  // of a later version, or a path
    patiently([&] { client.download(fmt::format("/v1/jobs/{}/files/{}", id, name), folder.staging() / name); });
    require(fs::file_size(folder.staging() / name) == file.value("bytes", uint64_t{0}), "{} arrived incomplete", name);
  }
  if (photo.text) patiently([&] { client.download("/v1/jobs/" + id + "/photo", folder.staging() / "picture.png"); });
  folder.commit(result_file_names());
  if (!arguments.quiet && !arguments.json) {
    fmt::print("{}: job {}\n", folder.path().string(), id);
    for (const std::string& name : result_file_names()) {
      if (fs::exists(folder.path() / name)) fmt::print("  {}\n", (folder.path() / name).string());
    }
    std::fflush(stdout);
  }
  return {{"folder", folder.path().string()}, {"job", id}};
}

/// Waits for a job and fetches its results. → The entry of --json for it.
Json finished(const ApiClient& client, const BatchPhoto& photo, const std::string& id, size_t index, SubmittedJobs& jobs,
              const SubmitArguments& arguments) {
  const Json job = ended_job(client, photo.name, id);
  jobs.ended(index);
  const std::string state = job.value("state", "");
  require(state != "failed", "{}", job["error"].is_string() ? shown_text(job["error"].get<std::string>()) : "the job failed");
  require(state == "succeeded", "the job was cancelled");
  return downloaded(client, photo, job, id, arguments);
}

void run_submit(const SubmitArguments& arguments) {
  init_logging(arguments.quiet);
  Progress::set_quiet(arguments.quiet);
  (void)arguments.views.photos();  // what is wrong with them is said before anything is sent
  const ApiClient client(arguments.server, given_token(arguments.token_file));
  std::vector<BatchPhoto> photos = photos_of(arguments.images);
  add_texts(photos, arguments.texts);
  if (photos.empty()) throw UsageError("a photo, or --text \"what is to be seen\", is needed");
  if (!arguments.views.given.empty() && (photos.size() > 1 || !arguments.texts.empty()))
    throw UsageError("--view shows one object from another side, so it goes with one photo");
  (void)client.get("/healthz");  // a wrong address is said at once
  BatchReport report(photos.size());
  SubmittedJobs jobs(client);
  try {
    // All at once, so that several workers have something to do.
    for (size_t i = 0; i < photos.size(); ++i) {
      report.attempt(photos[i], [&] {
        if (arguments.skip_existing && report.skip_existing(photos[i], arguments.output)) return;
        jobs.add(i, submitted(client, photos[i], arguments));
      });
    }
    for (size_t i = 0; i < photos.size(); ++i) {
      if (const std::string id = jobs.id_of(i); !id.empty())
        report.attempt(photos[i], [&] { report.made(photos[i], finished(client, photos[i], id, i, jobs, arguments)); });
    }
  } catch (const Cancelled&) {
    report.print(arguments.json, arguments.quiet);
    throw;
  }
  report.print(arguments.json, arguments.quiet);
  if (report.any_failed()) throw CLI::RuntimeError(1);
}

/// Those of `gsv3d generate`, by the descriptions of what the service takes.
void add_generation_options(CLI::App& command, Json& changes) {
  std::vector<DescribedSetting> own = described_settings(GenerationOptions());
  std::erase_if(own, [](const DescribedSetting& setting) { return setting.name() == "photo_palette"; });
  add_setting_options(command, own, changes, DefaultWords::kValue);
  command.add_flag_function(
      "--photo-palette,!--no-photo-palette",
      [&changes](int64_t given) { changes["photo_palette"] = given > 0 ? "true" : "false"; },
      "give the sides that no photo shows the photos' colours, or leave the views' own (default: as the model asks)");
  add_setting_options(command, described_settings(SamplerConfig()), changes);
}

}  // namespace

void add_submit_command(CLI::App& app) {
  auto* command = app.add_subcommand("submit", "Let a service (gsv3d serve) make objects from photos or words, and fetch them");
  auto arguments = std::make_shared<SubmitArguments>();
  SubmitArguments& a = *arguments;
  command->add_option("images", a.images, "photos, or folders of them");
  command->add_option("--text", a.texts, "words instead of a photo, for example \"a red armchair\"; repeatable")
      ->allow_extra_args(false);
  command->add_option("-o,--output", a.output, "folder for the results, one folder per photo or text in it")
      ->capture_default_str();
  command->add_option("--server", a.server, "where the service is")->envname("GSV3D_SERVER")->capture_default_str();
  command->add_option("--token-file", a.token_file, "file with the service's token (default: $GSV3D_TOKEN)")
      ->check(CLI::ExistingFile);
  command->add_flag("--skip-existing", a.skip_existing, "leave out photos whose folder of results is there already");
  command->add_flag("--json", a.json, "print what was made, skipped and failed as JSON, instead of lines for people");
  a.views.add_to(*command);
  add_generation_options(*command, a.options);
  command->add_flag("--quiet", a.quiet, "print errors and warnings only");
  command->footer(
      "Ctrl-C cancels the jobs.\n\n"
      "Examples:\n"
      "  gsv3d submit photo.jpg\n"
      "  gsv3d submit --text \"blue sofa\" --text \"wooden chair\" --seed 7\n"
      "  gsv3d submit photos/ --server http://studio:8188 --token-file token -o results --steps 20");
  command->callback([arguments] { run_submit(*arguments); });
}

}  // namespace gsv3d
#endif
