// Shortcuts of inference that change the order of the arithmetic but not what is computed. All are on; the environment's
// GSV3D_SAVINGS names those that stay on ("single-token,blocked-feed-forward" or "none"), to compare with the plain path.
#pragma once

namespace gsv3d {

struct Savings {
  /// Attention to one token: the softmax is 1 whatever the query, so query, key and norm are left out.
  bool single_token = true;
  /// What depends only on photo or text, cameras and weights (attention to one token, keys and values of several, embeddings of
  /// cameras and frames) is computed once per run of the sampler: the same bits.
  bool once_per_run = true;
  /// The gated feed-forward runs over blocks of tokens whose hidden layer stays in the processor's cache.
  bool blocked_feed_forward = true;
};

/// Those of this process. Throws UsageError when the environment names one that does not exist.
const Savings& savings();

}  // namespace gsv3d
