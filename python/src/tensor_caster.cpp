// The only file that includes LibTorch's Python headers: they take half a minute.
#include "tensor_caster.h"

#include <torch/csrc/autograd/python_variable.h>

namespace gsv3d::python {

const Tensor* tensor_in(PyObject* object) noexcept {
  try {
    return THPVariable_Check(object) ? &THPVariable_Unpack(object) : nullptr;
  } catch (...) {  // a class whose instance check raises
    PyErr_Clear();
    return nullptr;
  }
}

PyObject* torch_tensor(const Tensor& tensor) noexcept {
  try {
    if (tensor.defined()) return THPVariable_Wrap(tensor);
  } catch (...) {
    if (!PyErr_Occurred()) PyErr_SetString(PyExc_RuntimeError, "a tensor cannot be made for Python");
    return nullptr;
  }
  Py_RETURN_NONE;
}

}  // namespace gsv3d::python
