// PostgreSQL as C++: a connection, queries with values, rows, notifications. https://www.postgresql.org/docs/15/libpq.html
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

struct pg_conn;
struct pg_result;

namespace gsv3d {

class PostgresRows {
 public:
  explicit PostgresRows(pg_result* result);
  int count() const;
  std::string text(int row, int column) const;
  int64_t integer(int row, int column) const;
  bool is_null(int row, int column) const;

 private:
  std::shared_ptr<pg_result> result_;
};

/// Used by one thread at a time.
class PostgresConnection {
 public:
  /// postgresql://USER:PASSWORD@HOST/DATABASE and what else libpq takes. Does not connect yet. Throws UsageError for other texts,
  /// without repeating them: they may hold a password.
  explicit PostgresConnection(const std::string& address);

  /// Throws StoreUnavailable. Connects anew when there is no connection (any more).
  void connect();
  void disconnect() { connection_.reset(); }
  bool is_connected() const;

  using Values = std::vector<std::optional<std::string>>;
  /// One statement with $1, $2 … for the values. Throws StoreUnavailable.
  PostgresRows run(const char* statement, const Values& values = {});
  /// Several statements without values. Throws StoreUnavailable.
  void run_script(const char* statements);

  struct Notification {
    std::string text;
    int process = 0;  ///< of the server, behind the connection that said it
  };
  /// Those that have come, after LISTEN. Throws StoreUnavailable.
  std::vector<Notification> notifications();
  /// To wait for notifications with poll().
  int socket() const;
  /// The server's process behind this connection.
  int process() const;

 private:
  std::string address_;
  std::shared_ptr<pg_conn> connection_;
};

}  // namespace gsv3d
