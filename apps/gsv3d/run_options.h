// Options that every command which runs a model has: which model, where, in which precision, on how many threads.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

#include "core/tensor.h"
#include "models/defaults.h"

namespace gsv3d {

/// Like CLI::Range, but refuses "nan", which is neither below nor above anything, and says the limits in words.
CLI::Validator number_between(double low, double high);

/// Digits only: CLI11 itself takes "-1" for the largest unsigned number, and what is too large for the largest that fits.
CLI::Validator whole_number();

struct RunOptions {
  std::filesystem::path model;  ///< empty: default_model_folder()
  std::string device = "auto", dtype = "auto";
  int threads = 0;  ///< 0: OMP_NUM_THREADS, else one per core
  bool quiet = false;

  void add_to(CLI::App& command);
  /// Applies threads and quiet to the process. Throws UsageError for a wrong value.
  void apply() const;
  std::filesystem::path model_folder() const { return model.empty() ? default_model_folder() : model; }
  at::Device chosen_device() const;
  /// "auto": what is fastest there for the model's size. Throws Error when the model folder cannot be read.
  at::ScalarType chosen_dtype() const;
};

}  // namespace gsv3d
