/* The public header in strict C99. */
#include <gsv3d/gsv3d_c.h>

int header_compiles_as_c(void);
int header_compiles_as_c(void) {
  gsv3d_generate_options options;
  GSV3D_INIT(gsv3d_generate_options, &options);
  return options.size == sizeof(options) && options.matting == 1 && options.sampling == NULL ? 0 : 1;
}
