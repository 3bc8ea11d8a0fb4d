/** @file
 * GSV3D as a C library: one photo in, 3D Gaussians and a textured mesh out. gsv3d.h is the same for C++.
 *
 * Handles are opaque and freed by their own function, which takes NULL. Functions that can fail return a status; what went wrong
 * is then in gsv3d_last_error() of the same thread. No exception leaves the library. Structs of options begin with their size:
 * GSV3D_INIT fills them with the defaults, so that programs built with an older header work with newer libraries. One model may
 * be used by one thread at a time; everything else only reads its inputs. Pictures and renderings are row by row from the top.
 * World: right-handed, +Y up, the object's front faces +Z, the object inside [-0.5, 0.5]^3. */
#ifndef GSV3D_C_H
#define GSV3D_C_H

#include <stddef.h>
#include <stdint.h>

/** Marks what the shared library shows. */
#if defined(GSV3D_BUILDS_LIBRARY)
#define GSV3D_API __attribute__((visibility("default")))
#else
#define GSV3D_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** What a call came to. */
typedef enum gsv3d_status {
  GSV3D_OK = 0,          /**< done */
  GSV3D_ERROR = 1,       /**< of the data or the machine */
  GSV3D_USAGE_ERROR = 2, /**< of the call itself */
  GSV3D_CANCELLED = 130  /**< a progress function said so */
} gsv3d_status;

/** What the last call of this thread that failed had to say, in one line; "" when none has. Valid until the next call fails. */
GSV3D_API const char* gsv3d_last_error(void);

/** The library's version, "MAJOR.MINOR.PATCH": functions and structs only ever grow within one MAJOR (before 1.0: MINOR). */
GSV3D_API const char* gsv3d_version(void);

/** Called as work goes on: a stage's name and how much of it is done. Anything but 0 cancels the call: GSV3D_CANCELLED. */
typedef int (*gsv3d_progress)(const char* stage, int64_t done, int64_t total, void* user);

/** Defaults into an options struct: gsv3d_generate_options options; GSV3D_INIT(gsv3d_generate_options, &options); */
#define GSV3D_INIT(type, options) type##_init((options), sizeof(*(options)))

/* ------------------------------------------------------------------ pictures */

/** A picture of RGBA bytes. */
typedef struct gsv3d_picture gsv3d_picture;

/** A picture of width x height RGBA bytes (sRGB, not premultiplied), which are copied. */
GSV3D_API gsv3d_status gsv3d_picture_create(const uint8_t* rgba, int64_t width, int64_t height, gsv3d_picture** picture);
/** Any format that the program reads: JPEG, PNG, WebP, HEIC ... */
GSV3D_API gsv3d_status gsv3d_picture_read(const char* path, gsv3d_picture** picture);
/** Writes a PNG with transparency, whole or not at all. */
GSV3D_API gsv3d_status gsv3d_picture_write_png(const gsv3d_picture* picture, const char* path);
/** Pixels of a row; 0 for NULL. */
GSV3D_API int64_t gsv3d_picture_width(const gsv3d_picture* picture);
/** Rows; 0 for NULL. */
GSV3D_API int64_t gsv3d_picture_height(const gsv3d_picture* picture);
/** height x width x 4 bytes, valid while the picture is; NULL for NULL. */
GSV3D_API const uint8_t* gsv3d_picture_rgba(const gsv3d_picture* picture);
/** Frees it; NULL is fine. */
GSV3D_API void gsv3d_picture_free(gsv3d_picture* picture);

/* ------------------------------------------------------------------ models */

/** A model folder in memory. */
typedef struct gsv3d_model gsv3d_model;

/** Where a model computes. */
typedef struct gsv3d_model_options {
  size_t size;           /**< sizeof this struct, as the caller was compiled */
  const char* device;    /**< "auto", "cpu", "cuda", "cuda:N" */
  const char* precision; /**< "auto", "fp32", "bf16", "fp16" */
  int offload;           /**< weights stay in main memory: for GPUs of 8 GB, slower */
} gsv3d_model_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_model_options_init(gsv3d_model_options* options, size_t size);

/** folder: NULL for the embedded model that was installed with the library ($GSV3D_MODEL names another). options may be NULL. */
GSV3D_API gsv3d_status gsv3d_model_load(const char* folder, const gsv3d_model_options* options, gsv3d_model** model);
/** Frees it; NULL is fine. */
GSV3D_API void gsv3d_model_free(gsv3d_model* model);

/** CPU threads of all calls from now on; at least 1. */
GSV3D_API gsv3d_status gsv3d_set_threads(int threads);

/* ------------------------------------------------------------------ Gaussians */

/** 3D Gaussians. */
typedef struct gsv3d_gaussians gsv3d_gaussians;

/** Activated values, one Gaussian after the other. */
typedef struct gsv3d_gaussian_arrays {
  size_t size;             /**< sizeof this struct, as the caller was compiled */
  int64_t count;           /**< G */
  int64_t sh_count;        /**< K = (degree + 1)^2: 1, 4, 9 or 16 */
  const float* means;      /**< [G, 3] */
  const float* quats;      /**< [G, 4] w, x, y, z */
  const float* scales;     /**< [G, 3] standard deviations along the rotated axes, > 0 */
  const float* opacities;  /**< [G] 0 to 1 */
  const float* sh;         /**< [G, K, 3] colour = max(sum of harmonics + 0.5, 0) */
  const float* confidence; /**< [G] 0 to 1, how far other seeds have the same; NULL: not known */
} gsv3d_gaussian_arrays;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_gaussian_arrays_init(gsv3d_gaussian_arrays* arrays, size_t size);

/** Copies the arrays. */
GSV3D_API gsv3d_status gsv3d_gaussians_create(const gsv3d_gaussian_arrays* arrays, gsv3d_gaussians** gaussians);
/** Pointers to the values, valid while the Gaussians are. arrays->size says how much of the struct the caller knows. */
GSV3D_API gsv3d_status gsv3d_gaussians_get_arrays(const gsv3d_gaussians* gaussians, gsv3d_gaussian_arrays* arrays);
/** How many there are; 0 for NULL. */
GSV3D_API int64_t gsv3d_gaussians_count(const gsv3d_gaussians* gaussians);
/** Reads PLY, compressed PLY, .splat, SPZ, SOG or glTF; the content decides. */
GSV3D_API gsv3d_status gsv3d_gaussians_read(const char* path, gsv3d_gaussians** gaussians);
/** Writes by the name's end: .ply, .compressed.ply, .splat, .spz, .glb. Whole or not at all. */
GSV3D_API gsv3d_status gsv3d_gaussians_write(const gsv3d_gaussians* gaussians, const char* path);
/** Frees it; NULL is fine. */
GSV3D_API void gsv3d_gaussians_free(gsv3d_gaussians* gaussians);

/* ------------------------------------------------------------------ photo to Gaussians */

/** Another photo of the same object, and where its camera stood. */
typedef struct gsv3d_view {
  size_t size;                /**< sizeof this struct, as the caller was compiled */
  const gsv3d_picture* photo; /**< only read during the call */
  double azimuth;             /**< degrees around the object from the first photo's camera, counter-clockwise seen from above */
  double elevation;           /**< degrees above the object; not a number: the first photo's (not a number) */
} gsv3d_view;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_view_init(gsv3d_view* view, size_t size);

/** How a photo becomes Gaussians. */
typedef struct gsv3d_generate_options {
  size_t size;                    /**< sizeof this struct, as the caller was compiled */
  uint64_t seed;                  /**< same seed, same machine and threads: the same bytes as "gsv3d generate --seed" */
  const char* sampling;           /**< JSON of sampler settings to change, "{\"steps\": 20}"; NULL: the model's */
  double elevation;               /**< degrees of the photo's camera above the object; not a number: the model's */
  int matting;                    /**< cut the object out unless the picture's transparency does (1) */
  int refine;                     /**< bring the decoded Gaussians closer to photo and views (1) */
  int photo_surface;              /**< lay the photo's own pixels on the side that it shows (1) */
  int64_t fit_steps;              /**< of models without a decoder (2000) */
  gsv3d_progress progress;        /**< may be NULL */
  void* user;                     /**< given to progress */
  int photo_palette;              /**< unseen sides take the photo's colours: 0, 1, or -1, as the model asks (-1) */
  int64_t view_count;             /**< further photos of the object, fewer than the model's views (0) */
  const gsv3d_view* const* views; /**< pointers to view_count of them; NULL where there are none */
  int64_t confidence_seeds;       /**< 2 to 64: make objects of so many seeds, and say how far they agree (0: do not) */
} gsv3d_generate_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_generate_options_init(gsv3d_generate_options* options, size_t size);

/** The object of a photo, or of several, as "gsv3d generate" makes it. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_generate(const gsv3d_model* model, const gsv3d_picture* photo, const gsv3d_generate_options* options,
                                      gsv3d_gaussians** gaussians);

/* ------------------------------------------------------------------ words to a picture */

/** The networks of a model folder that make pictures from text. */
typedef struct gsv3d_text_model gsv3d_text_model;

/** folder: NULL as in gsv3d_model_load; an error where it has no such networks. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_text_model_load(const char* folder, const gsv3d_model_options* options, gsv3d_text_model** model);
/** Frees it; NULL is fine. */
GSV3D_API void gsv3d_text_model_free(gsv3d_text_model* model);

/** How words become the picture that takes a photo's place. */
typedef struct gsv3d_text_options {
  size_t size;                 /**< sizeof this struct, as the caller was compiled */
  uint64_t seed;               /**< of the first candidate; each further one has the next */
  int64_t candidates;          /**< so many pictures, of which the best is taken (1) */
  const char* negative;        /**< what is not to be seen; NULL: the model's */
  const char* sampling;        /**< JSON of settings to change, "{\"picture-steps\": 4}"; NULL: the model's */
  int use_template;            /**< the words stand in the model's prompt template (1) */
  int matting;                 /**< cut the object out (1) */
  const gsv3d_picture* sketch; /**< pictures begin with it; NULL: with noise alone */
  double strength;             /**< how far they may leave the sketch, above 0 to 1 (0.7) */
  const gsv3d_model* judge;    /**< candidates are scored by its image embedder where that belongs to the text model; or NULL */
  gsv3d_progress progress;     /**< may be NULL */
  void* user;                  /**< given to progress */
} gsv3d_text_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_text_options_init(gsv3d_text_options* options, size_t size);

/** A picture of what UTF-8 text says, as "gsv3d text" makes it, for gsv3d_generate. Words that a model does not know are a usage
 * error that names the nearest known ones. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_text_picture(const gsv3d_text_model* model, const char* text, const gsv3d_text_options* options,
                                          gsv3d_picture** picture);

/* ------------------------------------------------------------------ cameras, pictures of Gaussians, and back */

/** A pinhole camera, OpenCV axes (x right, y down, z forward). The centre of pixel (column, row) is (column + 0.5, row + 0.5). */
typedef struct gsv3d_camera {
  float world_to_camera[16]; /**< 4 x 4, row by row */
  float intrinsics[9];       /**< 3 x 3, row by row, pixels */
} gsv3d_camera;

/** Cameras: count of them that look at the origin, at equal steps of azimuth; the first at azimuth 0, on the +Z side, then
 * counter-clockwise seen from above. Pictures are size x size. radius and fov_y: 2 and 33.8 degrees are the embedded model's. */
GSV3D_API gsv3d_status gsv3d_orbit_cameras(int64_t count, double elevation, double radius, double fov_y, int64_t size,
                                           gsv3d_camera* cameras);

/** How Gaussians are rendered. */
typedef struct gsv3d_rasterize_options {
  size_t size;         /**< sizeof this struct, as the caller was compiled */
  float background[3]; /**< 0 to 1 (black) */
  int antialiased;     /**< (0) */
} gsv3d_rasterize_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_rasterize_options_init(gsv3d_rasterize_options* options, size_t size);

/** Renders into arrays of the caller's: rgb [count, 3, height, width] over the background, alpha and depth [count, 1, height,
 * width] (depth: blended camera z, divide by alpha). Any may be NULL. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_rasterize(const gsv3d_gaussians* gaussians, const gsv3d_camera* cameras, int64_t count,
                                       int64_t width, int64_t height, const gsv3d_rasterize_options* options, float* rgb,
                                       float* alpha, float* depth);

/** How Gaussians are fitted to pictures. */
typedef struct gsv3d_fit_options {
  size_t size;             /**< sizeof this struct, as the caller was compiled */
  uint64_t seed;           /**< of the start and of densification (0) */
  int64_t steps;           /**< (2000) */
  int64_t start_count;     /**< Gaussians to start from where no start is given (10000) */
  int64_t max_gaussians;   /**< densify to at most so many; 0: their number stays (0) */
  float background[3];     /**< of the pictures, 0 to 1 (white) */
  gsv3d_progress progress; /**< may be NULL */
  void* user;              /**< given to progress */
} gsv3d_fit_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_fit_options_init(gsv3d_fit_options* options, size_t size);

/** Gaussians fitted to pictures with known cameras: rgb [count, 3, height, width] in 0 to 1 over the background, alpha [count, 1,
 * height, width] or NULL; height and width at least 11. start: NULL begins inside the silhouettes. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_fit(const gsv3d_gaussians* start, const gsv3d_camera* cameras, int64_t count, int64_t width,
                                 int64_t height, const float* rgb, const float* alpha, const gsv3d_fit_options* options,
                                 gsv3d_gaussians** gaussians);

/* ------------------------------------------------------------------ meshes */

/** A triangle mesh with or without texture. */
typedef struct gsv3d_mesh gsv3d_mesh;

/** How a mesh is made of Gaussians. */
typedef struct gsv3d_mesh_options {
  size_t size;             /**< sizeof this struct, as the caller was compiled */
  int64_t resolution;      /**< samples along the longest side, 16 to 512 (128) */
  int64_t triangles;       /**< at most (10000) */
  int64_t texture_size;    /**< pixels a side, 16 to 8192 (1024); 0: no texture */
  int watertight;          /**< one piece, for 3D printing (0) */
  gsv3d_progress progress; /**< may be NULL */
  void* user;              /**< given to progress */
} gsv3d_mesh_options;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_mesh_options_init(gsv3d_mesh_options* options, size_t size);

/** A closed, textured mesh of the Gaussians' surface. options may be NULL. */
GSV3D_API gsv3d_status gsv3d_mesh_make(const gsv3d_gaussians* gaussians, const gsv3d_mesh_options* options, gsv3d_mesh** mesh);

/** A mesh's values. */
typedef struct gsv3d_mesh_arrays {
  size_t size;               /**< sizeof this struct, as the caller was compiled */
  int64_t vertex_count;      /**< vertices */
  int64_t triangle_count;    /**< triangles */
  const float* positions;    /**< [vertices, 3] */
  const float* normals;      /**< [vertices, 3] or NULL */
  const float* uvs;          /**< [vertices, 2], v downward from the texture's upper edge, or NULL */
  const uint32_t* triangles; /**< [triangles, 3], counter-clockwise seen from outside */
  int64_t texture_width;     /**< pixels of a row; 0: no texture */
  int64_t texture_height;    /**< rows */
  const uint8_t* texture;    /**< RGBA, or NULL */
} gsv3d_mesh_arrays;
/** Fills in the defaults; see GSV3D_INIT. */
GSV3D_API void gsv3d_mesh_arrays_init(gsv3d_mesh_arrays* arrays, size_t size);
/** Pointers to the values, valid while the mesh is. arrays->size says how much of the struct the caller knows. */
GSV3D_API gsv3d_status gsv3d_mesh_get_arrays(const gsv3d_mesh* mesh, gsv3d_mesh_arrays* arrays);
/** Writes by the name's end: .glb, .obj (with .mtl and .png), .ply or .stl, in the Gaussians' own units. Whole or not at all. */
GSV3D_API gsv3d_status gsv3d_mesh_write(const gsv3d_mesh* mesh, const char* path);
/** Frees it; NULL is fine. */
GSV3D_API void gsv3d_mesh_free(gsv3d_mesh* mesh);

#ifdef __cplusplus
}
#endif

#endif
