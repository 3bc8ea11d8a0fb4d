#include "service/postgres/connection.h"

#include <libpq-fe.h>

#include <charconv>

#include "service/job_store.h"

namespace gsv3d {
namespace {

/// The first line of libpq's message.
std::string first_line(const char* message) {
  const std::string text = message ? message : "";
  return shown_text(text.substr(0, text.find('\n')));
}

}  // namespace

PostgresRows::PostgresRows(pg_result* result) : result_(result, &PQclear) {}

int PostgresRows::count() const {
  return PQntuples(result_.get());
}

std::string PostgresRows::text(int row, int column) const {
  return {PQgetvalue(result_.get(), row, column), static_cast<size_t>(PQgetlength(result_.get(), row, column))};
}

int64_t PostgresRows::integer(int row, int column) const {
  const std::string value = text(row, column);
  int64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

bool PostgresRows::is_null(int row, int column) const {
  return PQgetisnull(result_.get(), row, column) == 1;
}

PostgresConnection::PostgresConnection(const std::string& address) : address_(address) {
  char* message = nullptr;
  PQconninfoOption* options = PQconninfoParse(address.c_str(), &message);
  const bool is_readable = options != nullptr;
  PQconninfoFree(options);
  PQfreemem(message);  // may repeat the password
  if (!is_readable || !(address.starts_with("postgresql://") || address.starts_with("postgres://")))
    throw UsageError("--database: expected postgresql://USER@HOST/DATABASE");
}

void PostgresConnection::connect() {
  if (is_connected()) return;
  // Other ends that are gone are noticed within a quarter of a minute. The address comes last, so that it may say otherwise.
  const char* const names[] = {"connect_timeout",  "keepalives_idle",  "keepalives_interval",
                               "keepalives_count", "tcp_user_timeout", "application_name",
                               "client_encoding",  "dbname",           nullptr};
  const char* const values[] = {"10", "5", "5", "2", "15000", "gsv3d", "UTF8", address_.c_str(), nullptr};
  connection_ = std::shared_ptr<pg_conn>(PQconnectdbParams(names, values, /*expand_dbname=*/1), &PQfinish);
  if (is_connected()) return;
  const std::string reason = first_line(PQerrorMessage(connection_.get()));
  connection_.reset();
  throw StoreUnavailable("database: " + reason);
}

bool PostgresConnection::is_connected() const {
  return connection_ && PQstatus(connection_.get()) == CONNECTION_OK;
}

PostgresRows PostgresConnection::run(const char* statement, const Values& values) {
  connect();
  std::vector<const char*> texts;
  for (const auto& value : values) texts.push_back(value ? value->c_str() : nullptr);
  PGresult* result = PQexecParams(connection_.get(), statement, static_cast<int>(texts.size()), nullptr, texts.data(), nullptr,
                                  nullptr, /*resultFormat=*/0);
  PostgresRows rows(result);
  const ExecStatusType status = PQresultStatus(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw StoreUnavailable("database: " + first_line(PQerrorMessage(connection_.get())));
  return rows;
}

void PostgresConnection::run_script(const char* statements) {
  connect();
  PGresult* result = PQexec(connection_.get(), statements);
  const ExecStatusType status = PQresultStatus(result);
  PQclear(result);
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
    throw StoreUnavailable("database: " + first_line(PQerrorMessage(connection_.get())));
}

std::vector<PostgresConnection::Notification> PostgresConnection::notifications() {
  std::vector<Notification> all;
  if (PQconsumeInput(connection_.get()) != 1)
    throw StoreUnavailable("database: " + first_line(PQerrorMessage(connection_.get())));
  while (PGnotify* notification = PQnotifies(connection_.get())) {
    all.push_back({notification->extra, notification->be_pid});
    PQfreemem(notification);
  }
  return all;
}

int PostgresConnection::socket() const {
  return PQsocket(connection_.get());
}

int PostgresConnection::process() const {
  return PQbackendPID(connection_.get());
}

}  // namespace gsv3d
