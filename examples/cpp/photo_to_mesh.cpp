// A photo → Gaussians and a textured mesh, with the installed library: photo_to_mesh PHOTO GAUSSIANS.ply MESH.glb
#include <gsv3d/gsv3d.h>

#include <cstdio>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: photo_to_mesh PHOTO GAUSSIANS.ply MESH.glb\n");
    return 2;
  }
  try {
    const gsv3d::Model model;  // the embedded one
    gsv3d::GenerateOptions options;
    options.seed = 7;
    options.progress = [](const std::string& stage, int64_t done, int64_t total) {
      std::fprintf(stderr, "%s %lld/%lld\n", stage.c_str(), static_cast<long long>(done), static_cast<long long>(total));
      return true;  // false cancels
    };
    const gsv3d::Gaussians object = model.generate(gsv3d::Picture(argv[1]), options);
    object.write(argv[2]);
    gsv3d::Mesh(object).write(argv[3]);
    std::printf("%lld Gaussians\n", static_cast<long long>(object.count()));
  } catch (const gsv3d::Error& error) {
    std::fprintf(stderr, "photo_to_mesh: %s\n", error.what());
    return 1;
  }
}
