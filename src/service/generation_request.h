// The body of POST /v1/generations: a form or JSON, as clients send it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "service/http_message.h"

namespace gsv3d {

struct GenerationRequest {
  std::vector<std::string> photos;  ///< the bytes of the first and the further ones
  std::vector<std::string> masks;   ///< of each, which may be empty: what of it is the object
  std::string photo_name;           ///< or the words, as people are shown them
  std::optional<std::string> text;  ///< instead of photos
  Json options = Json::object();
  Json views = Json::array();  ///< directions of the further ones
};

/// By its Content-Type. Whether photos can be decoded and options make sense is not looked at. Throws Problem 400, 415 and 422.
GenerationRequest read_generation_request(const HttpRequest& request);

}  // namespace gsv3d
