/* A file of Gaussians → one picture of it, with the installed library: render_gaussians OBJECT.ply PICTURE.png */
#include <gsv3d/gsv3d_c.h>
#include <stdio.h>
#include <stdlib.h>

enum { SIZE = 256 };

static void check(gsv3d_status status) {
  if (status == GSV3D_OK) return;
  fprintf(stderr, "render_gaussians: %s\n", gsv3d_last_error());
  exit(1);
}

int main(int argc, char** argv) {
  if (argc != 3) {
    fprintf(stderr, "usage: render_gaussians OBJECT.ply PICTURE.png\n");
    return 2;
  }
  gsv3d_gaussians* object = NULL;
  check(gsv3d_gaussians_read(argv[1], &object));

  gsv3d_camera camera;
  check(gsv3d_orbit_cameras(1, 10, 2, 33.8, SIZE, &camera));
  static float rgb[3][SIZE * SIZE], alpha[SIZE * SIZE];
  check(gsv3d_rasterize(object, &camera, 1, SIZE, SIZE, NULL, rgb[0], alpha, NULL));

  static uint8_t pixels[SIZE * SIZE][4];
  for (int i = 0; i < SIZE * SIZE; ++i) {
    for (int channel = 0; channel < 3; ++channel) {
      const float colour = alpha[i] > 0 ? rgb[channel][i] / alpha[i] : 0;
      pixels[i][channel] = (uint8_t)(255 * (colour < 0 ? 0 : colour > 1 ? 1 : colour) + 0.5F);
    }
    pixels[i][3] = (uint8_t)(255 * alpha[i] + 0.5F);
  }
  gsv3d_picture* picture = NULL;
  check(gsv3d_picture_create(pixels[0], SIZE, SIZE, &picture));
  check(gsv3d_picture_write_png(picture, argv[2]));
  printf("%lld Gaussians\n", (long long)gsv3d_gaussians_count(object));
  gsv3d_picture_free(picture);
  gsv3d_gaussians_free(object);
  return 0;
}
