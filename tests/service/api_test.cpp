// Every answer is what the OpenAPI document says, and every refusal has its status and a reason.
#include "core/base64.h"
#include "service/generate_work.h"
#include "test_service.h"
#include "toy_text_model.h"

namespace gsv3d::testing {
namespace {

using ::testing::HasSubstr;

class Api : public ServiceTest {
 protected:
  /// The answer, after it was compared with the document.
  HttpAnswer checked(const std::string& method, const std::string& pattern, const std::string& target,
                     const HttpHeaders& headers = {}, const std::string& body = "") {
    HttpAnswer answer = ask(port_, method, target, headers, body);
    expect_documented(method, pattern, answer);
    return answer;
  }
  void expect_documented(std::string method, const std::string& pattern, const HttpAnswer& answer) {
    if (document_.is_null()) document_ = Json::parse(get("/openapi.json").body);
    for (char& letter : method) letter = static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
    const Json& operation = document_["paths"][pattern][method];
    const std::string status = std::to_string(answer.status), what = method + " " + pattern + " " + status + ": ";
    ASSERT_TRUE(operation["responses"].contains(status)) << what << answer.body;
    ++checked_[method + " " + pattern];
    const Json& response = operation["responses"][status];
    if (!response.contains("content")) return;
    const std::string type = answer.headers.at("content-type").substr(0, answer.headers.at("content-type").find(';'));
    // Files have types of their own.
    const std::string documented = response["content"].contains(type) ? type : "application/octet-stream";
    ASSERT_TRUE(response["content"].contains(documented)) << what << type;
    const Json& schema = response["content"][documented]["schema"];
    if (type.ends_with("json") && documented == type) {
      EXPECT_EQ(JsonSchema(document_).problem(Json::parse(answer.body), schema), "") << what << answer.body;
    }
  }
  HttpAnswer post_json(const Json& json) {
    return checked("POST", "/v1/generations", "/v1/generations", {{"Content-Type", "application/json"}}, json.dump());
  }

  Json document_;
  std::map<std::string, int> checked_;
};

TEST_F(Api, IsWhatItsDocumentSays) {
  gate_.open(2);
  start();
  const HttpAnswer accepted =
      submit(port_, small_png(), {{"seed", "7"}, {"guidance", "constant:2"}, {"mesh", "false"}}, {{"Idempotency-Key", "k"}});
  expect_documented("POST", "/v1/generations", accepted);
  ASSERT_EQ(accepted.status, 202) << accepted.body;
  const std::string id = Json::parse(accepted.body)["id"];
  EXPECT_EQ(accepted.headers.at("location"), "/v1/jobs/" + id);
  EXPECT_EQ(Json::parse(accepted.body)["photo"], "cup.png");
  EXPECT_EQ(Json::parse(accepted.body)["options"]["seed"], "7");
  while (job(id)["progress"].is_null() || job(id)["progress"]["step"] != 2)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const Json running = Json::parse(checked("GET", "/v1/jobs/{id}", "/v1/jobs/" + id).body);
  EXPECT_EQ(running["progress"]["steps"], steps);
  EXPECT_EQ(running["progress"]["stage"], "views");
  const std::string file = "/v1/jobs/" + id + "/files/object.glb";
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}/files/{name}", file).status, 409);
  gate_.open();
  const Json ended = wait_for(id, "succeeded");
  EXPECT_EQ(ended["files"].size(), 2U);
  EXPECT_EQ(ended["files"][0]["name"], "object.glb");
  EXPECT_EQ(ended["files"][0]["bytes"], 100'000);
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}/files/{name}", file).body, fake_glb());
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}/photo", "/v1/jobs/" + id + "/photo").status, 200);
  EXPECT_EQ(checked("GET", "/", "/").status, 200);
  EXPECT_EQ(checked("GET", "/studio/{name}", "/studio/studio.js").status, 200);
  const std::string matte_form = form_body(cut_out_png());
  EXPECT_EQ(checked("POST", "/v1/mattes", "/v1/mattes", {{"Content-Type", "multipart/form-data; boundary=X"}}, matte_form).status,
            200);
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}/events", "/v1/jobs/" + id + "/events").status, 200);
  EXPECT_EQ(Json::parse(checked("GET", "/v1/jobs", "/v1/jobs").body)["jobs"].size(), 1U);
  const Json capabilities = Json::parse(checked("GET", "/v1/capabilities", "/v1/capabilities").body);
  EXPECT_EQ(capabilities["options"]["properties"]["steps"]["default"], 3);
  EXPECT_EQ(Json::parse(checked("GET", "/v1/models", "/v1/models").body)["models"][0]["views"], toy_config().frames);
  EXPECT_EQ(capabilities["options"]["properties"]["model"]["enum"], Json({"", "toy", "further"}));
  EXPECT_EQ(checked("GET", "/healthz", "/healthz").status, 200);
  EXPECT_EQ(checked("GET", "/readyz", "/readyz").status, 200);
  EXPECT_EQ(checked("POST", "/v1/session", "/v1/session").status, 204);
  EXPECT_EQ(checked("GET", "/metrics", "/metrics").status, 200);
  EXPECT_EQ(checked("GET", "/openapi.json", "/openapi.json").status, 200);
  EXPECT_EQ(checked("DELETE", "/v1/jobs/{id}", "/v1/jobs/" + id).status, 204);
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}", "/v1/jobs/" + id).status, 404);
  EXPECT_TRUE(std::filesystem::is_empty(config_.data / "results"));
  EXPECT_TRUE(std::filesystem::is_empty(config_.data / "inputs"));
  size_t operations = 0;
  for (const auto& [path, methods] : document_["paths"].items())
    for (const auto& [method, unused] : methods.items()) operations += method != "parameters" ? 1 : 0;
  EXPECT_EQ(operations, 17U);
  EXPECT_EQ(checked_.size(), operations);
}

TEST_F(Api, MetricsAreInPrometheusFormat) {
  gate_.open();
  start();
  wait_for(submitted(), "succeeded");
  EXPECT_EQ(get("/v1/nothing").status, 404);
  const HttpAnswer answer = get("/metrics");
  EXPECT_EQ(answer.headers.at("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  std::map<std::string, std::string> types;
  std::map<std::string, double> samples;
  std::istringstream lines(answer.body);
  for (std::string line; std::getline(lines, line);) {
    const size_t space = line.rfind(' ');
    if (line.starts_with("# TYPE "))
      types[line.substr(7, space - 7)] = line.substr(space + 1);
    else if (!line.starts_with("# HELP "))
      samples[line.substr(0, space)] = std::stod(line.substr(space + 1));
  }
  const std::map<std::string, std::string> expected_types = {{"gsv3d_jobs", "gauge"},
                                                             {"gsv3d_jobs_ended_total", "counter"},
                                                             {"gsv3d_job_seconds_total", "counter"},
                                                             {"gsv3d_stored_bytes", "gauge"},
                                                             {"gsv3d_http_connections", "gauge"},
                                                             {"gsv3d_event_streams", "gauge"},
                                                             {"gsv3d_http_responses_total", "counter"}};
  EXPECT_EQ(types, expected_types);
  for (const char* state : {"queued", "running", "succeeded", "failed", "cancelled"})
    EXPECT_EQ(samples.at(fmt::format("gsv3d_jobs{{state=\"{}\"}}", state)), std::string(state) == "succeeded" ? 1 : 0) << state;
  for (const char* outcome : {"succeeded", "failed", "cancelled"})
    EXPECT_EQ(samples.at(fmt::format("gsv3d_jobs_ended_total{{outcome=\"{}\"}}", outcome)),
              std::string(outcome) == "succeeded" ? 1 : 0)
        << outcome;
  EXPECT_EQ(samples.at("gsv3d_stored_bytes"), static_cast<double>(service_->store().stored_bytes()));
  EXPECT_GT(samples.at("gsv3d_stored_bytes"), 100'000);
  EXPECT_EQ(samples.at("gsv3d_event_streams"), 0);
  EXPECT_GE(samples.at("gsv3d_http_connections"), 1);
  EXPECT_GE(samples.at("gsv3d_http_responses_total{status=\"2xx\"}"), 2);  // the submission, looks at the job
  EXPECT_EQ(samples.at("gsv3d_http_responses_total{status=\"4xx\"}"), 1);
  EXPECT_EQ(samples.at("gsv3d_http_responses_total{status=\"5xx\"}"), 0);
  EXPECT_GE(samples.at("gsv3d_job_seconds_total"), 0);
  EXPECT_EQ(samples.size(), 5U + 3U + 1U + 1U + 1U + 1U + 4U);
}

TEST_F(Api, JobsChooseAModelByItsName) {
  gate_.open();
  start();
  const Json models = Json::parse(checked("GET", "/v1/models", "/v1/models").body)["models"];
  ASSERT_EQ(models.size(), 2U);
  EXPECT_EQ(models[0]["name"], "toy");
  EXPECT_EQ(models[0]["default"], true);
  EXPECT_EQ(models[1]["name"], "further");
  EXPECT_EQ(models[1]["default"], false);
  EXPECT_EQ(models[1]["steps"], 5);
  for (const Json& model : models) EXPECT_EQ(model["loaded"], false);  // the fake work takes none
  const std::string id = submitted({{"model", "further"}});
  EXPECT_EQ(wait_for(id, "succeeded")["options"]["model"], "further");
  EXPECT_FALSE(job(submitted())["options"].contains("model"));
  EXPECT_EQ(job(submitted({{"model", ""}}))["options"]["model"], "");
  const std::string photo = base64_encoded(small_png());
  const auto refused = [&](const Json& model, const std::string& part) {
    expect_problem(post_json({{"photo", photo}, {"options", {{"model", model}}}}), 422, part);
  };
  refused("furthest", "options.model: there is no model \"furthest\": use one of toy, further");
  refused((folder_ / "toy").string(), "there is no model");  // a path is only a name that nothing has
  refused("../toy", "there is no model");
  refused(7, "options.model: the name of a model was expected");
  refused(Json({"toy"}), "the name of a model was expected");
}

TEST_F(Api, TakesJsonWithFurtherPhotos) {
  gate_.open();
  start();
  const std::string photo = base64_encoded(small_png());
  const HttpAnswer answer = post_json({{"photo", photo},
                                       {"photo_name", "../../etc/pa\nsswd"},
                                       {"options", {{"steps", 2}, {"elevation", 12.5}}},
                                       {"views", {{{"azimuth_degrees", 90}, {"photo", photo}}}}});
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Json job = Json::parse(answer.body);
  EXPECT_EQ(job["photos"], 2);
  EXPECT_EQ(job["photo"], "passwd");
  EXPECT_EQ(job["options"]["views"][0]["azimuth_degrees"], 90);
  EXPECT_EQ(wait_for(job["id"], "succeeded")["attempts"], 1);
  EXPECT_EQ(read_file(files_->photo(job["id"], 1)), small_png());
}

/// A model folder that takes the words "red" and "chair".
ServedModel model_of_words(const std::filesystem::path& folder) {
  initialise_toy_model(folder, 1);
  add_toy_text_model(folder, toy_text_config({"chair", "red"}), 4);
  return served_model(folder, "words", at::kCPU, at::kFloat);
}

TEST_F(Api, TakesWordsInsteadOfAPhoto) {
  const ServedModels models({model_of_words(folder_ / "words"), {toy_config()}});
  files_ = std::make_unique<JobFiles>(config_.data);
  Service service(config_, models, std::make_unique<SqliteJobStore>(files_->database()), *files_,
                  [this](const Job& job, JobReport& report) { work_through(job, report); });
  service.start();
  port_ = service.port();
  gate_.open();
  EXPECT_EQ(Json::parse(checked("GET", "/v1/capabilities", "/v1/capabilities").body)["text"], true);
  const Json listed = Json::parse(checked("GET", "/v1/models", "/v1/models").body)["models"];
  EXPECT_EQ(listed[0]["text"], true);
  EXPECT_EQ(listed[1]["text"], false);
  const HttpAnswer answer = post_json({{"text", "a red chair"}, {"options", {{"seed", 3}}}});
  ASSERT_EQ(answer.status, 202) << answer.body;
  const Json job = Json::parse(answer.body);
  EXPECT_EQ(job["photo"], "a red chair");
  EXPECT_EQ(job["photos"], 0);
  EXPECT_EQ(job["options"], Json({{"seed", 3}, {"text", "a red chair"}}));
  EXPECT_EQ(wait_for(job["id"], "succeeded")["attempts"], 1);
  EXPECT_EQ(checked("GET", "/v1/jobs/{id}/photo", "/v1/jobs/" + job["id"].get<std::string>() + "/photo").status, 404);
  const std::string form = "--X\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\nchair\r\n--X--\r\n";
  const HttpAnswer by_form =
      checked("POST", "/v1/generations", "/v1/generations", {{"Content-Type", "multipart/form-data; boundary=X"}}, form);
  EXPECT_EQ(by_form.status, 202) << by_form.body;
  const auto refused = [&](const Json& json, const std::string& part) { expect_problem(post_json(json), 422, part); };
  refused({{"text", "a red chiar"}}, "text: this model knows 2 words, and not \"chiar\" (nearest: chair");
  refused({{"text", " \n "}}, "the text is empty");
  refused({{"text", std::string(100'001, 'a')}}, "at most 100000");
  refused({{"text", 7}}, "text must be words");
  const std::string photo = base64_encoded(small_png());
  refused({{"text", "chair"}, {"photo", photo}}, "not beside them");
  refused({{"text", "chair"}, {"mask", photo}}, "not beside them");
  refused({{"text", "chair"}, {"views", {{{"azimuth_degrees", 90}, {"photo", photo}}}}}, "not beside them");
  refused({{"text", "chair"}, {"options", {{"model", "toy"}}}}, "model \"toy\" makes no pictures from words");
  refused({{"photo", photo}, {"options", {{"text", "chair"}}}}, "beside the options");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "inputs"), {}), 0);
  service.stop();
}

TEST_F(Api, WordsBecomeAnObject) {
  ServedModels models({model_of_words(folder_ / "words")});
  const JobFiles files(config_.data);
  JobEvents events;
  Job job;
  job.id = random_identifier();
  job.photo_name = "red chair", job.photos = 0;
  job.options = {{"text", "red chair"}, {"seed", 3},           {"steps", 1},     {"matting", false},
                 {"mesh", false},       {"refinement", false}, {"viewer", false}};
  JobReport report(job, events, files);
  generate_work(models, files, 1)(job, report);
  const Json record = read_json_file(files.result(job.id, "result.json"));
  EXPECT_EQ(record["text"]["text"], "red chair");
  EXPECT_EQ(record["text"]["candidates"][0]["seed"], 3);
  const Image picture = load_image(files.photo(job.id, 0)), small = load_image(files.thumbnail(job.id));
  EXPECT_EQ(picture.width, 32);
  EXPECT_EQ(small.pixels, picture.pixels);
  EXPECT_TRUE(files.has_results(job.id));
}

TEST_F(Api, RefusesWrongRequestsWithAReason) {
  start();
  const std::string photo = base64_encoded(small_png());
  const auto refused = [&](const Json& json, int status, const std::string& part) {
    expect_problem(post_json(json), status, part);
  };
  refused({{"options", Json::object()}}, 422, "photo is missing");
  refused({{"photo", photo}, {"options", {{"stepz", 2}}}}, 422, "did you mean \"steps\"");
  refused({{"photo", photo}, {"options", {{"steps", 0}}}}, 422, "0 is outside 1");
  refused({{"photo", photo}, {"options", {{"steps", "two"}}}}, 422, "options.steps: \"two\" is not a whole number");
  refused({{"photo", photo}, {"options", {{"orbit", "/etc/passwd"}}}}, 422, "use sine");
  refused({{"photo", photo}, {"options", {{"mesh_size", "12 parsecs"}}}}, 422, "mesh_size");
  refused({{"photo", photo}, {"options", {{"seed", -1}}}}, 422, "seed");
  refused({{"photo", photo}, {"options", {{"confidence_seeds", 65}}}}, 422, "65 is outside 0");
  refused({{"photo", photo}, {"options", {{"confidence_seeds", 2}, {"spread", 2}}}}, 422, "spread or confidence_seeds");
  refused({{"photo", photo}, {"options", {{"confidence_seeds", 2}, {"views_only", true}}}}, 422, "needs an object");
  refused({{"photo", photo}, {"options", {{"views", Json::array()}}}}, 422, "beside the options");
  refused({{"photo", photo}, {"options", 7}}, 422, "options: expected an object");
  refused({{"photo", photo}, {"path", "/etc/passwd"}}, 422, "unknown key \"path\"");
  refused({{"photo", "!!!!"}}, 422, "not base64");
  refused({{"photo", base64_encoded("no picture at all")}}, 422, "the photo");
  refused({{"photo", base64_encoded(small_png().substr(0, 40))}}, 422, "the photo");
  refused({{"photo", photo}, {"views", {{{"azimuth_degrees", "left"}, {"photo", photo}}}}}, 422, "degrees");
  const auto post = [&](const std::string& type, const std::string& body) {
    return checked("POST", "/v1/generations", "/v1/generations", {{"Content-Type", type}}, body);
  };
  expect_problem(post("application/json", "{\"photo\":"), 400, "the body");
  expect_problem(post("text/plain", "hello"), 415, "multipart/form-data");
  expect_problem(post("multipart/form-data", "hello"), 400, "boundary");
  expect_problem(post("multipart/form-data; boundary=X", "hello"), 400, "boundary");
  const std::string form = form_body(small_png());
  for (const size_t cut : {5UL, 60UL, form.size() - 9})
    EXPECT_EQ(post("multipart/form-data; boundary=X", form.substr(0, cut)).status, 400) << cut;
  expect_problem(checked("GET", "/v1/jobs", "/v1/jobs?limit=0"), 400, "limit");
  expect_problem(checked("GET", "/v1/jobs", "/v1/jobs?cursor=x"), 400, "cursor");
  expect_problem(checked("GET", "/v1/jobs", "/v1/jobs?state=asleep"), 400, "asleep");
  expect_problem(get("/v1/jobs/" + std::string(32, 'a')), 404, "no such job");
  expect_problem(get("/v1/nothing"), 404, "nothing at this address");
  expect_problem(ask(port_, "PUT", "/v1/jobs"), 405, "PUT");
  EXPECT_EQ(ask(port_, "PUT", "/v1/jobs").headers.at("allow"), "GET");
  EXPECT_EQ(service_->store().counts()[JobState::kQueued], 0);
  EXPECT_TRUE(std::filesystem::is_empty(config_.data / "inputs"));
}

TEST_F(Api, NoTextOfAClientBecomesAPath) {
  gate_.open();
  start();
  const std::string id = submitted();
  wait_for(id, "succeeded");
  write_file(config_.data / "results" / id / "secret.txt", "secret");
  for (const std::string path : {"/v1/jobs/../jobs.sqlite", "/v1/jobs/%2e%2e/files/object.glb",
                                 "/v1/jobs/..%2f..%2fetc/files/passwd", "/../../etc/passwd", "/v1/jobs/%00/files/object.glb"})
    EXPECT_THAT(get(path).status, ::testing::AnyOf(400, 404)) << path;
  for (const std::string name : {"secret.txt", "..%2f..%2fjobs.sqlite", "object.glb%00", "../../../jobs.sqlite", "OBJECT.GLB"})
    EXPECT_THAT(get("/v1/jobs/" + id + "/files/" + name).status, ::testing::AnyOf(400, 404)) << name;
  EXPECT_EQ(get("/v1/jobs/" + id + "/files/object.ply").status, 404);  // a known name, but the job has none
}

TEST_F(Api, OneKeyIsOneJob) {
  start();
  const std::string first = submitted({{"seed", "1"}}, {{"Idempotency-Key", "abc"}});
  const HttpAnswer again = submit(port_, small_png(), {{"seed", "1"}}, {{"Idempotency-Key", "abc"}});
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(Json::parse(again.body)["id"], first);
  expect_problem(submit(port_, small_png(), {{"seed", "2"}}, {{"Idempotency-Key", "abc"}}), 409, "another request");
  EXPECT_NE(submitted({{"seed", "1"}}, {{"Idempotency-Key", "abd"}}), first);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(config_.data / "inputs"), {}), 2);
}

TEST_F(Api, ListsPageByPage) {
  config_.workers = 1;
  start();
  std::vector<std::string> ids;
  for (int i = 0; i < 7; ++i) ids.insert(ids.begin(), submitted());
  std::vector<std::string> listed;
  std::string target = "/v1/jobs?limit=3";
  int pages = 0;
  for (Json page; pages < 4; target = "/v1/jobs?limit=3&cursor=" + page["next_cursor"].get<std::string>()) {
    page = Json::parse(get(target).body);
    ++pages;
    for (const Json& job : page["jobs"]) listed.push_back(job["id"]);
    if (page["next_cursor"].is_null()) break;
  }
  EXPECT_EQ(pages, 3);
  EXPECT_EQ(listed, ids);
  wait_for(ids.back(), "running");
  EXPECT_EQ(Json::parse(get("/v1/jobs?state=queued").body)["jobs"].size(), 6U);
}

TEST_F(Api, RangesAndTags) {
  gate_.open();
  start();
  const std::string id = submitted(), file = "/v1/jobs/" + id + "/files/object.glb", whole = fake_glb();
  wait_for(id, "succeeded");
  const HttpAnswer full = get(file);
  EXPECT_EQ(full.status, 200);
  EXPECT_EQ(full.headers.at("content-type"), "model/gltf-binary");
  const std::string tag = full.headers.at("etag");
  const auto part = [&](const std::string& range) { return get(file, {{"Range", range}}); };
  for (const auto& [range, begin, size] : {std::tuple("bytes=0-0", 0, 1), std::tuple("bytes=99990-", 99'990, 10),
                                           std::tuple("bytes=-5", 99'995, 5), std::tuple("bytes=10-1000000", 10, 99'990)}) {
    const HttpAnswer answer = part(range);
    EXPECT_EQ(answer.status, 206) << range;
    EXPECT_EQ(answer.body, whole.substr(begin, size)) << range;
    EXPECT_EQ(answer.headers.at("content-range"), fmt::format("bytes {}-{}/100000", begin, begin + size - 1));
  }
  EXPECT_EQ(part("bytes=100000-").status, 416);
  EXPECT_EQ(part("bytes=100000-").headers.at("content-range"), "bytes */100000");
  for (const std::string range : {"bytes=0-1,5-6", "lines=1-2", "bytes=5-2", "bytes=x-"})
    EXPECT_EQ(part(range).body, whole) << range;
  EXPECT_EQ(get(file, {{"If-None-Match", tag}}).status, 304);
  EXPECT_EQ(get(file, {{"If-None-Match", "\"other\""}}).status, 200);
  EXPECT_EQ(get(file, {{"Range", "bytes=0-9"}, {"If-Range", tag}}).status, 206);
  EXPECT_EQ(get(file, {{"Range", "bytes=0-9"}, {"If-Range", "\"other\""}}).body, whole);
  const HttpAnswer head = ask(port_, "HEAD", file);
  EXPECT_EQ(head.headers.at("content-length"), "100000");
  EXPECT_THAT(get(file + "?download=1").headers.at("content-disposition"), HasSubstr("attachment"));
}

TEST_F(Api, TokenOfOneWhoAsks) {
  config_.token = "0123456789abcdef";
  start();
  expect_problem(get("/v1/jobs"), 401, "a bearer token is needed");
  EXPECT_EQ(get("/v1/jobs").headers.at("www-authenticate"), "Bearer realm=\"gsv3d\"");
  for (const std::string wrong : {"Bearer 0123456789abcdeF", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0", "Bearer ",
                                  "Basic 0123456789abcdef", "0123456789abcdef"})
    EXPECT_EQ(get("/v1/jobs", {{"Authorization", wrong}}).status, 401) << wrong;
  for (const std::string path :
       {"/v1/capabilities", "/v1/models", "/metrics", "/v1/jobs/x", "/v1/jobs/x/events", "/v1/jobs/x/files/y"})
    EXPECT_EQ(get(path).status, 401) << path;
  EXPECT_EQ(submit(port_, small_png()).status, 401);
  EXPECT_EQ(get("/healthz").status, 200);
  const HttpHeaders right = {{"Authorization", "Bearer 0123456789abcdef"}};
  EXPECT_EQ(get("/v1/jobs", right).status, 200);
  const HttpAnswer session = ask(port_, "POST", "/v1/session", right);
  const std::string cookie = session.headers.at("set-cookie");
  EXPECT_THAT(cookie, HasSubstr("; HttpOnly; SameSite=Strict"));
  EXPECT_EQ(get("/v1/jobs", {{"Cookie", cookie.substr(0, cookie.find(';'))}}).status, 200);
  EXPECT_EQ(get("/v1/jobs", {{"Cookie", "gsv3d_session=" + std::string(32, '0')}}).status, 401);
}

TEST_F(Api, OtherPagesAreRefused) {
  config_.origins = {"https://example.org"};
  start();
  EXPECT_EQ(get("/v1/jobs", {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(submit(port_, small_png(), {}, {{"Origin", "http://evil.example"}}).status, 403);
  EXPECT_EQ(get("/v1/jobs", {{"Host", "evil.example:8188"}}).status, 403);  // a name that leads here
  EXPECT_EQ(get("/v1/jobs", {{"Host", "localhost:1"}, {"Origin", "http://localhost:1"}}).status, 200);
  const HttpAnswer listed = get("/v1/jobs", {{"Origin", "https://example.org"}});
  EXPECT_EQ(listed.status, 200);
  EXPECT_EQ(listed.headers.at("access-control-allow-origin"), "https://example.org");
  EXPECT_EQ(get("/v1/jobs").headers.count("access-control-allow-origin"), 0U);
  const HttpHeaders asking = {{"Origin", "https://example.org"}, {"Access-Control-Request-Method", "POST"}};
  EXPECT_EQ(ask(port_, "OPTIONS", "/v1/generations", asking).status, 204);
  EXPECT_EQ(
      ask(port_, "OPTIONS", "/v1/generations", {{"Origin", "http://evil.example"}, {"Access-Control-Request-Method", "POST"}})
          .status,
      405);
}

TEST(ServiceConfig, OtherMachinesNeedAToken) {
  ServiceConfig config;
  config.address = "0.0.0.0";
  EXPECT_THROW(check_service_config(config), UsageError);
  config.token = "short";
  EXPECT_THROW(check_service_config(config), UsageError);
  config.token = "0123456789abcdef";
  EXPECT_NO_THROW(check_service_config(config));
}

}  // namespace
}  // namespace gsv3d::testing
