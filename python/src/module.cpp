// gsv3d._native: errors and logging of the extension; its functions are in the bind_….cpp files.
#include <c10/util/Exception.h>

#include "bindings.h"
#include "core/error.h"
#include "core/log.h"
#include "core/progress.h"

namespace nb = nanobind;

namespace {

/// LibTorch's messages go on with a trace of calls.
std::string first_line(const char* message) {
  const std::string text = message;
  return text.substr(0, text.find('\n'));
}

/// gsv3d::UsageError → ValueError, our other errors and LibTorch's → gsv3d.Error; all of one line.
void translate(const std::exception_ptr& error, void* error_type) {
  const auto raise = [](PyObject* type, const char* message) { PyErr_SetString(type, first_line(message).c_str()); };
  try {
    std::rethrow_exception(error);
  } catch (const gsv3d::UsageError& usage) {
    raise(PyExc_ValueError, usage.what());
  } catch (const gsv3d::Error& other) {
    raise(static_cast<PyObject*>(error_type), other.what());
  } catch (const c10::Error& torch) {
    raise(static_cast<PyObject*>(error_type), torch.what_without_backtrace());
  }
}

}  // namespace

NB_MODULE(_native, module) {
  nb::module_::import_("torch");  // its classes, and its libraries before ours
  module.doc() = "The compiled part of gsv3d: use the package around it.";
  module.attr("version") = GSV3D_VERSION;
  // The process's logging is set once: messages below a warning are not for users of a library.
  gsv3d::init_logging(true);
  gsv3d::Progress::set_quiet(true);

  PyObject* error = PyErr_NewExceptionWithDoc("gsv3d.Error", "What went wrong with the data or the machine, in one line.",
                                              PyExc_RuntimeError, nullptr);
  module.attr("Error") = nb::steal(error);
  nb::register_exception_translator(translate, error);

  gsv3d::python::bind_pictures(module);
  gsv3d::python::bind_gaussians(module);
  gsv3d::python::bind_rasterizer(module);
  gsv3d::python::bind_meshes(module);
  gsv3d::python::bind_generation(module);
  gsv3d::python::bind_text(module);
}
