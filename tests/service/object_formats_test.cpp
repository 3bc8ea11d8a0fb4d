// Other formats of a job's object: made when they are first asked for, the bytes that gsv3d convert and gsv3d mesh would write.
#include "service/object_formats.h"

#ifdef GSV3D_HAS_LIBZIP
#include <zip.h>
#endif

#include <array>
#include <set>
#include <thread>

#include "gaussian_files/convert.h"
#include "mesh/physical_size.h"
#include "random_scenes.h"
#include "test_service.h"

namespace gsv3d::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Mesh textured_tetrahedron() {
  Mesh mesh;
  mesh.positions = {{0.1F, 1 / 3.0F, 0}, {1, 0, 1e-7F}, {0, 0.7F, 0}, {0, 0, 0.25F}};
  mesh.triangles = {{0, 2, 1}, {0, 1, 3}, {0, 3, 2}, {1, 2, 3}};
  mesh.normals = vertex_normals(mesh);
  mesh.uvs = {{0, 0}, {1, 0.1F}, {0.3F, 1}, {0.5F, 0.5F}};
  mesh.texture = blank_image(5, 3, 10, 20, 30);
  return mesh;
}

#ifdef GSV3D_HAS_LIBZIP
std::map<std::string, std::string> unpacked(const std::string& bytes) {
  std::map<std::string, std::string> files;
  zip_source_t* source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, nullptr);
  zip_t* archive = zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, nullptr);
  EXPECT_NE(archive, nullptr);
  for (zip_int64_t i = 0; archive && i < zip_get_num_entries(archive, 0); ++i) {
    zip_stat_t about;
    zip_stat_index(archive, i, 0, &about);
    std::string& content = files[about.name];
    content.resize(about.size);
    zip_file_t* file = zip_fopen_index(archive, i, 0);
    EXPECT_EQ(zip_fread(file, content.data(), content.size()), static_cast<zip_int64_t>(content.size()));
    zip_fclose(file);
  }
  zip_discard(archive);
  return files;
}
#endif

class ObjectFormats : public ServiceTest {
 protected:
  /// A service whose jobs make these Gaussians, and this mesh.
  void start_with(const Mesh& mesh) {
    start([this, mesh](const Job& job, JobReport&) {
      OutputFolder folder(files_->results_folder(), job.id);
      write_ply(folder.staging() / "object.ply", splats_);
      if (!mesh.triangles.empty()) write_glb(folder.staging() / "object.glb", mesh);
      write_file(folder.staging() / "result.json", "{}\n");
      folder.commit(output_file_names());
    });
  }
  HttpAnswer file(const std::string& id, const std::string& name, const HttpHeaders& headers = {}) const {
    return get("/v1/jobs/" + id + "/files/" + name, headers);
  }
  /// What write() leaves in a file of this name.
  template <class Write>
  std::string written(const std::string& name, const Write& write) const {
    write(folder_ / "expected" / name);
    return read_file(folder_ / "expected" / name);
  }

  const Gaussians splats_ = random_gaussians(300, 1, 5);
};

TEST_F(ObjectFormats, AreTheBytesThatConvertAndMeshWrite) {
  const Mesh mesh = textured_tetrahedron();
  start_with(mesh);
  const std::string id = submitted();
  wait_for(id, "succeeded");
  const fs::path ply = files_->result(id, "object.ply");
  std::set<std::string> asked;
  for (const std::string name : {"object.spz", "object.compressed.ply", "object.splat", "object.splats.glb"}) {
    asked.insert(name);
    const HttpAnswer answer = file(id, name);
    ASSERT_EQ(answer.status, 200) << name << answer.body;
    EXPECT_EQ(answer.body, written(name, [&](const fs::path& path) { convert_gaussians(ply, path); })) << name;
  }
  for (const auto& [name, plain] : {std::pair("object.stl", "object.stl"), std::pair("object.mesh.ply", "object.ply")}) {
    asked.insert(name);
    const HttpAnswer answer = file(id, name);
    ASSERT_EQ(answer.status, 200) << name << answer.body;
    EXPECT_EQ(answer.body, written(plain, [&](const fs::path& path) { write_mesh(path, placed(mesh, {}, mesh_format(path))); }))
        << name;
  }
#ifdef GSV3D_HAS_LIBZIP
  asked.insert("object.obj.zip");
  const HttpAnswer archive = file(id, "object.obj.zip");
  EXPECT_EQ(archive.headers.at("content-type"), "application/zip");
  std::map<std::string, std::string> expected;
  write_obj(folder_ / "obj" / "object.obj", mesh);
  for (const char* name : {"object.obj", "object.mtl", "object.png"}) expected[name] = read_file(folder_ / "obj" / name);
  EXPECT_EQ(unpacked(archive.body), expected);
#endif
  std::set<std::string> listed;
  const Json capabilities = Json::parse(get("/v1/capabilities").body);
  for (const Json& format : capabilities["formats"]) {
    listed.insert(format["name"]);
    EXPECT_EQ(file(id, format["name"]).headers.at("content-type"), format["media_type"]);
  }
  EXPECT_EQ(listed, asked);
  EXPECT_EQ(job(id)["files"].size(), 3U);  // what the job itself wrote
}

TEST_F(ObjectFormats, AreMadeOnceAndCountedAndGoWithTheJob) {
  start_with(textured_tetrahedron());
  const std::string id = submitted();
  wait_for(id, "succeeded");
  const int64_t before = service_->store().stored_bytes();
  const HttpAnswer first = file(id, "object.spz");
  const auto made = fs::last_write_time(files_->result(id, "object.spz"));
  EXPECT_EQ(service_->store().stored_bytes(), before + static_cast<int64_t>(first.body.size()));
  const HttpAnswer again = file(id, "object.spz", {{"Range", "bytes=1-3"}});
  EXPECT_EQ(again.status, 206);
  EXPECT_EQ(again.body, first.body.substr(1, 3));
  EXPECT_EQ(again.headers.at("etag"), first.headers.at("etag"));
  EXPECT_EQ(fs::last_write_time(files_->result(id, "object.spz")), made);
  EXPECT_EQ(service_->store().stored_bytes(), before + static_cast<int64_t>(first.body.size()));
  EXPECT_EQ(ask(port_, "HEAD", "/v1/jobs/" + id + "/files/object.stl").status, 200);
  // Clients at the same time get one file.
  std::vector<std::thread> clients;
  std::array<std::string, 4> bodies;
  for (std::string& body : bodies) clients.emplace_back([&] { body = file(id, "object.splat").body; });
  for (std::thread& client : clients) client.join();
  for (const std::string& body : bodies) EXPECT_EQ(body, bodies[0]);
  EXPECT_EQ(bodies[0].size(), 300U * 32);
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(files_->results_folder() / id)) names.insert(entry.path().filename());
  EXPECT_EQ(names,
            (std::set<std::string>{"object.glb", "object.ply", "object.spz", "object.splat", "object.stl", "result.json"}));
  EXPECT_EQ(ask(port_, "DELETE", "/v1/jobs/" + id).status, 204);
  EXPECT_FALSE(fs::exists(files_->results_folder() / id));
  EXPECT_EQ(service_->store().stored_bytes(), 0);
}

TEST_F(ObjectFormats, MeshesWithASizeKeepIt) {
  start_with(scaled_to(textured_tetrahedron(), {SizedSide::kLongest, 0.05}));
  const std::string id = submitted();
  wait_for(id, "succeeded");
  const std::string stl = file(id, "object.stl").body;
  ASSERT_EQ(stl.size(), 84 + 4 * 50U);
  float low = 1e9F, high = -1e9F;  // x of all corners; the longest side, in millimetres
  for (size_t triangle = 0; triangle < 4; ++triangle) {
    for (size_t corner = 0; corner < 3; ++corner) {
      float x = 0;
      std::memcpy(&x, stl.data() + 84 + 50 * triangle + 12 * (corner + 1), sizeof x);
      low = std::min(low, x), high = std::max(high, x);
    }
  }
  EXPECT_NEAR(high - low, 50, 1e-4);
}

TEST_F(ObjectFormats, RefusalsHaveReasons) {
  start_with({});
  const std::string id = submitted();
  wait_for(id, "succeeded");
  expect_problem(file(id, "object.stl"), 404, "object.stl is made of object.glb, which the job does not have");
  expect_problem(file(id, "object.ksplat"), 404, "no file of this name");
  expect_problem(file(id, "Object.spz"), 404, "no file of this name");
  EXPECT_THAT(file(id, "..%2fobject.spz").status, ::testing::AnyOf(400, 404));
  expect_problem(file(std::string(32, 'a'), "object.spz"), 404, "no such job");
  write_file(files_->result(id, "object.ply"), "ply\nno Gaussians");
  expect_problem(file(id, "object.spz"), 500, "object.spz cannot be made of object.ply");
  EXPECT_FALSE(fs::exists(files_->result(id, "object.spz")));
}

TEST_F(ObjectFormats, NeedRoomAndAFinishedJob) {
  start();
  const std::string waits = submitted();
  expect_problem(file(waits, "object.spz"), 409, "not there yet");
  service_->stop();
  service_.reset();
  config_.store.bytes = 2000, config_.data = folder_ / "full";
  start_with({});
  const std::string id = submitted();
  wait_for(id, "succeeded");
  expect_problem(file(id, "object.spz"), 503, "space");
  EXPECT_FALSE(fs::exists(files_->result(id, "object.spz")));
}

}  // namespace
}  // namespace gsv3d::testing
