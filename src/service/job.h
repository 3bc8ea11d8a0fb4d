// A job: one photo, or several of one object, that someone asked the service to make an object of.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/config.h"

namespace gsv3d {

enum class JobState { kQueued, kRunning, kSucceeded, kFailed, kCancelled };

/// "queued", "running", "succeeded", "failed", "cancelled".
const char* job_state_name(JobState state);
/// Throws UsageError for other names.
JobState parse_job_state(const std::string& name);
inline bool is_finished(JobState state) {
  return state != JobState::kQueued && state != JobState::kRunning;
}

struct Job {
  std::string id;        ///< 32 hexadecimal digits, made here: the only name by which files of it are found
  int64_t sequence = 0;  ///< grows with each accepted job
  JobState state = JobState::kQueued;
  int64_t created_ms = 0, started_ms = 0, finished_ms = 0;  ///< since 1970, UTC; 0: not yet
  int64_t attempts = 0;           ///< how often it was begun; more than once when the program ended in the middle of it
  std::string photo_name;         ///< what the client called the photo: shown to people, never a path
  Json options = Json::object();  ///< as GenerationOptions takes them
  int64_t photos = 1;             ///< the first and the further ones
  int64_t input_bytes = 0, result_bytes = 0;
  bool cancel_requested = false;
  std::string error;  ///< why it failed
  std::optional<std::string> idempotency_key;
  std::string request_fingerprint;  ///< of photos and options, to tell repeated requests from other ones with the same key
};

/// 32 hexadecimal digits of the system's randomness.
std::string random_identifier();
/// Whether a text has the form of a job's id; nothing else ever gets near a path.
bool is_job_identifier(std::string_view text);

/// For people and databases: valid UTF-8 (what is not becomes U+FFFD), no control characters.
std::string shown_text(std::string text);

int64_t now_milliseconds();
/// "2026-01-31T12:00:00.250Z".
std::string utc_text(int64_t milliseconds);

}  // namespace gsv3d
