// The subcommands. Each add_… puts one onto the program: its options, and a callback that calls the rooms of src/ and prints.
#pragma once

#include <CLI/CLI.hpp>

namespace gsv3d {

void add_generate_command(CLI::App& app);
void add_text_command(CLI::App& app);
void add_convert_command(CLI::App& app);
void add_render_command(CLI::App& app);
void add_fit_command(CLI::App& app);
void add_mesh_command(CLI::App& app);
void add_view_command(CLI::App& app);
void add_import_command(CLI::App& app);
void add_info_command(CLI::App& app);
void add_doctor_command(CLI::App& app);
void add_model_command(CLI::App& app);
void add_data_command(CLI::App& app);
void add_train_command(CLI::App& app);
void add_eval_command(CLI::App& app);
#if GSV3D_WITH_SERVICE
void add_serve_command(CLI::App& app);
#endif
void add_completions_command(CLI::App& app);
void add_manual_command(CLI::App& app);

}  // namespace gsv3d
