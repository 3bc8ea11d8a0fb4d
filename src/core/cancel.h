// Ctrl-C, SIGTERM and a closed terminal: the first asks the running work to stop at its next check, another one, at least a
// second later, ends the process.
#pragma once

namespace gsv3d {

/// Installs the handlers; call once at start.
void install_cancel_handlers();

/// True once SIGINT, SIGTERM, SIGHUP or SIGUSR1 (Slurm's early warning) arrived, or request_cancel() was called.
bool cancel_requested();

void request_cancel();
void clear_cancel();

/// Throws Cancelled when cancel_requested(). Long loops call it once per step.
void throw_if_cancelled();

}  // namespace gsv3d
