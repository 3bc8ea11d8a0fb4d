#include "dataset/ray_tracer.h"

#include <cstring>

#include "core/error.h"

#ifdef GSV3D_HAS_EMBREE
#include <embree3/rtcore.h>
#endif

namespace gsv3d {

#ifdef GSV3D_HAS_EMBREE

struct RayTracer::Scene {
  RTCScene scene = nullptr;
  ~Scene() {
    if (scene) rtcReleaseScene(scene);
  }
};

namespace {

/// One for the whole process: starting one takes longer than many objects' trees.
RTCDevice shared_device() {
  struct Device {
    RTCDevice device = rtcNewDevice(nullptr);
    ~Device() {
      if (device) rtcReleaseDevice(device);
    }
  };
  static const Device shared;
  return shared.device;
}

RTCRay embree_ray(const Ray& ray) {
  RTCRay result;
  result.org_x = ray.origin[0];
  result.org_y = ray.origin[1];
  result.org_z = ray.origin[2];
  result.dir_x = ray.direction[0];
  result.dir_y = ray.direction[1];
  result.dir_z = ray.direction[2];
  result.tnear = ray.near;
  result.tfar = ray.far;
  result.time = 0;
  result.mask = ~0U;
  result.id = 0;
  result.flags = 0;
  return result;
}

}  // namespace

RayTracer::RayTracer(const Object& object) : scene_(std::make_unique<Scene>()) {
  const RTCDevice device = shared_device();
  require(device != nullptr, "Embree cannot start (error {})", static_cast<int>(rtcGetDeviceError(nullptr)));
  scene_->scene = rtcNewScene(device);
  rtcSetSceneFlags(scene_->scene, RTC_SCENE_FLAG_ROBUST);  // no rays slip through between neighbouring triangles
  RTCGeometry geometry = rtcNewGeometry(device, RTC_GEOMETRY_TYPE_TRIANGLE);
  void* positions = rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_VERTEX, 0, RTC_FORMAT_FLOAT3, sizeof object.positions[0],
                                            object.positions.size());
  void* triangles = rtcSetNewGeometryBuffer(geometry, RTC_BUFFER_TYPE_INDEX, 0, RTC_FORMAT_UINT3, sizeof object.triangles[0],
                                            object.triangles.size());
  const bool allocated = positions != nullptr && triangles != nullptr;
  if (allocated) {
    std::memcpy(positions, object.positions.data(), object.positions.size() * sizeof object.positions[0]);
    std::memcpy(triangles, object.triangles.data(), object.triangles.size() * sizeof object.triangles[0]);
    rtcCommitGeometry(geometry);
    rtcAttachGeometry(scene_->scene, geometry);
  }
  rtcReleaseGeometry(geometry);
  require(allocated, "Embree has no memory for {} triangles", object.triangles.size());
  rtcCommitScene(scene_->scene);
  const RTCError error = rtcGetDeviceError(device);
  require(error == RTC_ERROR_NONE, "Embree cannot build the scene (error {})", static_cast<int>(error));
}

RayTracer::~RayTracer() = default;

std::optional<Hit> RayTracer::nearest(const Ray& ray) const {
  RTCRayHit query;
  query.ray = embree_ray(ray);
  query.hit.geomID = RTC_INVALID_GEOMETRY_ID;
  query.hit.instID[0] = RTC_INVALID_GEOMETRY_ID;
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  rtcIntersect1(scene_->scene, &context, &query);
  if (query.hit.geomID == RTC_INVALID_GEOMETRY_ID) return std::nullopt;
  return Hit{query.ray.tfar, query.hit.primID, query.hit.u, query.hit.v};
}

bool RayTracer::is_blocked(const Ray& ray) const {
  RTCRay query = embree_ray(ray);
  RTCIntersectContext context;
  rtcInitIntersectContext(&context);
  rtcOccluded1(scene_->scene, &context, &query);
  return query.tfar < 0;
}

#else

struct RayTracer::Scene {};

RayTracer::RayTracer(const Object&) {
  fail("views cannot be rendered: this build lacks Embree (configure with GSV3D_WITH_EMBREE=ON)");
}
RayTracer::~RayTracer() = default;
std::optional<Hit> RayTracer::nearest(const Ray&) const {
  return std::nullopt;
}
bool RayTracer::is_blocked(const Ray&) const {
  return false;
}

#endif

}  // namespace gsv3d
