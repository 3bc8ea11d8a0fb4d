// The program: registers the subcommands, runs the chosen one, and turns every failure into one line and an exit code
// (0 success, 1 error, 2 wrong usage, 130 cancelled).
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "commands.h"
#include "core/cancel.h"
#include "core/error.h"
#include "core/log.h"
#include "core/spelling.h"
#include "core/standard_error.h"
#include "error_line.h"
#include "missing_commands.h"
#include "version.h"

namespace gsv3d {
namespace {

constexpr const char* examples = R"(Examples:
  gsv3d generate photo.jpg                     a 3D object from a photo: out/photo/object.ply, orbit.mp4, views.png
  gsv3d generate a.png b.heic -o results --seed 7
  gsv3d text "a red armchair"                  a 3D object from words
  gsv3d info                                   version, libraries, devices, the embedded model
  gsv3d generate --help                        every option of a command

Exit codes: 0 success, 1 error, 2 wrong usage, 130 cancelled.)";

int report(int code, const std::string& line) {
  print_error(fmt::format("gsv3d: {}\n", line));
  return code;
}

/// The deepest subcommand that was being parsed, for the hint after a usage error.
std::string command_path(const CLI::App& app) {
  std::string path = app.get_name();
  for (const CLI::App* command : app.get_subcommands()) path += " " + command_path(*command);
  return path;
}

/// What was typed in the place of a command or an option that does not exist, and what may have been meant.
std::string unknown_word(const CLI::App& command) {
  if (const auto chosen = command.get_subcommands(); !chosen.empty()) return unknown_word(*chosen.front());
  for (const std::string& word : command.remaining()) {
    std::vector<std::string> known;
    if (word.starts_with("-")) {
      for (const CLI::Option* option : command.get_options()) {
        for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
      }
      return fmt::format("unknown option \"{}\"{}", one_line(word), did_you_mean(word, known));
    }
    if (command.get_subcommands({}).empty()) break;
    for (const CLI::App* other : command.get_subcommands({})) known.push_back(other->get_name());
    return fmt::format("unknown command \"{}\"{}", one_line(word), did_you_mean(word, known));
  }
  return "";
}

/// A standard stream that the caller closed would have its number taken by the next file that is opened, and messages would go
/// into that file.
void open_missing_streams() {
  for (int stream = STDIN_FILENO; stream <= STDERR_FILENO; ++stream) {
    if (::fcntl(stream, F_GETFD) == -1 && errno == EBADF) (void)::open("/dev/null", O_RDWR);  // takes the lowest free number
  }
}

int run(int argc, char** argv) {
  throw_if_cancelled();
  CLI::App app("One photo in, a 3D object out: multi-view latent diffusion and Gaussian splatting.", "gsv3d");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(0, 1);
  add_generate_command(app);
  add_text_command(app);
  add_convert_command(app);
  add_render_command(app);
  add_fit_command(app);
  add_mesh_command(app);
  add_view_command(app);
  add_import_command(app);
  add_info_command(app);
  add_doctor_command(app);
  add_model_command(app);
  add_data_command(app);
  add_train_command(app);
  add_eval_command(app);
#if GSV3D_WITH_SERVICE
  add_serve_command(app);
  add_submit_command(app);
#else
  for (const char* name : {"serve", "worker", "submit"}) add_missing_command(app, name, "GSV3D_WITH_SERVICE");
#endif
#if GSV3D_WITH_POSTGRESQL
  add_worker_command(app);
#elif GSV3D_WITH_SERVICE
  add_missing_command(app, "worker", "GSV3D_WITH_POSTGRESQL");
#endif
  add_completions_command(app);
  add_manual_command(app);
  app.footer(examples);  // last: commands inherit what is there when they are added
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& finished) {
    return finished.get_exit_code();  // a command that has already said what failed
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    if (const std::string unknown = unknown_word(app); !unknown.empty())
      return report(2, fmt::format("{} (see {} --help)", unknown, command_path(app)));
    return report(2, fmt::format("{} (see {} --help)", error_line(error), command_path(app)));
  }
  if (app.get_subcommands().empty()) {
    print_error(app.help());
    return 2;
  }
  const bool written = std::fflush(stdout) == 0 && !std::ferror(stdout);
  require(written, "cannot write to the standard output (is the disk full?)");
  return 0;
}

}  // namespace
}  // namespace gsv3d

int main(int argc, char** argv) {
  using namespace gsv3d;
  open_missing_streams();
  init_logging(false);
  install_cancel_handlers();
  // A write beyond a file size limit then fails like a full disk, instead of ending the process and leaving files behind.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const Cancelled&) {
    return report(130, "cancelled");
  } catch (const UsageError& error) {
    return report(2, error_line(error));
  } catch (const std::exception& error) {
    return report(1, error_line(error));
  }
}
