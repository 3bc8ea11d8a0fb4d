// Means over objects, and differences between methods paired over objects: what the tables say besides the means.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gsv3d {

/// Mean and its standard error (deviation / √count), each ignoring what is not a number; not a number themselves without enough
/// values.
struct MeanAndError {
  double mean = 0, standard_error = 0;
};
MeanAndError mean_and_error(const std::vector<double>& values);

struct Interval {
  double low = 0, high = 0;
};

/// 95 % interval of the mean by the percentile bootstrap (Efron 1979): 2000 samples drawn with replacement, from one fixed seed,
/// so that the same values give the same interval. Ignores what is not a number; not a number with fewer than two values.
Interval bootstrap_interval(const std::vector<double>& values);

/// A method's scores minus those of another one on the same objects.
struct PairedDifference {
  int64_t objects = 0;  ///< that both have a number for
  MeanAndError over;    ///< of the differences
  Interval interval;    ///< 95 %, of their mean
};

/// values[i] and reference[i] belong to one object; pairs in which one is not a number are left out. Throws Error when the counts
/// differ.
PairedDifference paired_difference(const std::vector<double>& values, const std::vector<double>& reference);

/// "+0.12 ± 0.05 [+0.03, +0.21]" with so many digits behind the point; of one pair its difference alone, of none "–".
std::string difference_text(const PairedDifference& difference, int digits);

}  // namespace gsv3d
