// Kernels compiled for several instruction sets in one file; the loader picks one when the program starts.
#pragma once

// GCC writes the choice as an ifunc, which the sanitizers' start-up code cannot survive, and only GCC ≥ 12 knows the x86-64
// levels here.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)
#define GSV3D_VECTOR_TARGETS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define GSV3D_VECTOR_TARGETS
#endif

// Helpers of such kernels must be part of each copy.
#define GSV3D_INLINE inline __attribute__((always_inline))
