// gsv3d generate: photos in, one folder of results for each.
#include "commands.h"
#include "core/error.h"
#include "generation.h"

namespace gsv3d {
namespace {

namespace fs = std::filesystem;

struct GenerateArguments {
  std::vector<fs::path> images;
  GenerationArguments generation;
  FurtherPhotoOptions views;
};

void run_generate(GenerateArguments& arguments) {
  arguments.generation.prepare();
  (void)arguments.views.photos();  // what is wrong with them is said before the model is loaded
  const Model model = arguments.generation.load();
  const std::vector<BatchPhoto> photos = photos_of(arguments.images);
  if (photos.size() > 1 && !arguments.views.given.empty())
    throw UsageError("--view shows one object from another side, so it goes with one photo");
  generate_all(photos, arguments.generation, [&](const BatchPhoto& photo) {
    GenerationInput input{photo.name, photo.path.filename().string(), load_image(photo.path)};
    for (const FurtherPhotoOption& view : arguments.views.photos())
      input.further.push_back(
          {load_image(view.file), view.azimuth_degrees, view.elevation_degrees, view.file.filename().string()});
    return generate_object(input, model, arguments.generation);
  });
}

}  // namespace

void add_generate_command(CLI::App& app) {
  auto* command = app.add_subcommand("generate", "Make a 3D object (Gaussian splats) from each photo");
  auto arguments = std::make_shared<GenerateArguments>();
  command
      ->add_option("images", arguments->images,
                   "photos: JPEG, PNG, WebP, HEIC, ..., or folders of them; transparency is used when there is some")
      ->required();
  arguments->views.add_to(*command);
  arguments->generation.add_to(*command, "photo");
  command->footer(
      "Results in OUTPUT/NAME/: object.ply (3D Gaussians), object.glb (textured mesh), viewer.html (both in your browser), "
      "orbit.mp4, views.png, result.json.\n\n"
      "Examples:\n"
      "  gsv3d generate photo.jpg\n"
      "  gsv3d generate cutout.png -o results --seed 7 --steps 20\n"
      "  gsv3d generate front.jpg --view 90:side.jpg --view 180:back.jpg\n"
      "  gsv3d generate photos/ -o results --skip-existing\n"
      "  gsv3d generate *.jpg --views-only --quiet");
  command->callback([arguments] { run_generate(*arguments); });
}

}  // namespace gsv3d
