// What an error says.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "core/error.h"

namespace gsv3d::testing {

/// The message of the Error that a call throws; empty when it throws none.
template <class Call>
std::string error_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// The call must throw an Error whose message says `part` and begins with `where`, the file's name.
template <class Call>
void expect_error(const Call& call, const std::string& part, const std::string& where = "") {
  const std::string message = error_of(call);
  EXPECT_NE(message, "") << "no error about " << part;
  EXPECT_NE(message.find(part), std::string::npos) << message << " does not say " << part;
  EXPECT_EQ(message.rfind(where, 0), 0U) << message << " does not begin with " << where;
}

}  // namespace gsv3d::testing
