// The service with work that only waits, so that the service itself is measured (bench/service_load.py):
//   stub_service DATA [WORKERS [STEPS [MILLISECONDS PER STEP [JOBS TO FILL IN [POSTGRESQL ADDRESS]]]]]
#include <csignal>
#include <cstdlib>
#include <thread>

#include "core/atomic_file.h"
#include "core/cancel.h"
#include "core/log.h"
#include "core/output_folder.h"
#include "service/service.h"
#include "service/sqlite_job_store.h"
#include "toy_model.h"
#if GSV3D_WITH_POSTGRESQL
#include "service/postgres/job_store.h"
#include "service/postgres/news.h"
#endif

namespace {

using namespace gsv3d;

int64_t argument(int count, char** words, int index, int64_t otherwise) {
  return index < count ? std::strtoll(words[index], nullptr, 10) : otherwise;
}

JobWork waiting_work(const JobFiles& files, int64_t steps, std::chrono::milliseconds step_time) {
  return [&files, steps, step_time](const Job& job, JobReport& report) {
    OutputFolder folder(files.results_folder(), job.id);
    const Image strip = blank_image(21 * 32, 32, 90, 120, 150);
    for (int64_t step = 1; step <= steps; ++step) {
      throw_if_cancelled();
      std::this_thread::sleep_for(step_time);
      report.progress("views", step, steps);
      report.preview(strip, 21, step, steps);
    }
    write_file(folder.staging() / "object.ply", std::string(100'000, 'x'));
    write_file(folder.staging() / "result.json", "{}\n");
    folder.commit();
  };
}

/// Jobs that ended a moment ago, without files.
void fill(const JobFiles& files, int64_t count) {
  SqliteDatabase(files.database())
      .execute(fmt::format(
          "WITH RECURSIVE numbers (n) AS (SELECT 1 WHERE {0} > 0 UNION ALL SELECT n + 1 FROM numbers WHERE n < {0}) INSERT INTO "
          "jobs (id, "
          "state, created_ms, finished_ms, attempts, photo_name, options, photos, input_bytes, request_fingerprint) SELECT "
          "lower(hex(randomblob(16))), 'succeeded', {1}, {1}, 1, 'cup.png', '{{}}', 1, 1, '' FROM numbers",
          count, now_milliseconds()));
}

int serve(int count, char** words) {
  ServiceConfig config;
  config.data = words[1];
  config.port = 0, config.version = "stub";
  config.workers = argument(count, words, 2, 4);
  config.store.queued_jobs = 1000;
  config.http.request_time = std::chrono::seconds(10);
  JobFiles files(config.data);
  std::unique_ptr<JobStore> store;
  const std::string database = count > 6 ? words[6] : "";
#if GSV3D_WITH_POSTGRESQL
  if (!database.empty()) store = std::make_unique<PostgresJobStore>(database, std::chrono::seconds(5));
#endif
  if (!store) {
    store = std::make_unique<SqliteJobStore>(files.database());
    fill(files, argument(count, words, 5, 0));
  }
  const auto work = waiting_work(files, argument(count, words, 3, 5), std::chrono::milliseconds(argument(count, words, 4, 20)));
  const ServedModels models(std::vector<ServedModel>{{testing::toy_config()}});
  Service service(config, models, std::move(store), files, work);
#if GSV3D_WITH_POSTGRESQL
  std::optional<PostgresNews> news;
  if (!database.empty()) news.emplace(database, service.store(), files, service.events(), service.runner());
#endif
  service.start();
#if GSV3D_WITH_POSTGRESQL
  if (news) news->start();
#endif
  fmt::print("http://127.0.0.1:{}/\n", service.port());
  std::fflush(stdout);
  while (!cancel_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  clear_cancel();
  service.stop();
  return 0;
}

}  // namespace

int main(int count, char** words) {
  if (count < 2) return 2;
  install_cancel_handlers();
  init_logging(true);
  try {
    return serve(count, words);
  } catch (const std::exception& error) {
    fmt::print(stderr, "stub_service: {}\n", error.what());
    return 1;
  }
}
