// torch.Tensor in Python is at::Tensor here: the same object with its autograd graph, nothing is copied. An undefined tensor is
// None on the way out; arguments that may be None are std::optional.
#pragma once

#include <nanobind/nanobind.h>

#include "core/tensor.h"

namespace gsv3d::python {

/// The tensor inside a torch.Tensor; nullptr for any other object.
const Tensor* tensor_in(PyObject* object) noexcept;

/// A new reference to the torch.Tensor of a tensor; None for an undefined one.
PyObject* torch_tensor(const Tensor& tensor) noexcept;

}  // namespace gsv3d::python

namespace nanobind::detail {

template <>
struct type_caster<at::Tensor> {
  NB_TYPE_CASTER(at::Tensor, const_name("torch.Tensor"))

  bool from_python(handle source, uint32_t, cleanup_list*) noexcept {
    const at::Tensor* tensor = gsv3d::python::tensor_in(source.ptr());
    if (tensor) value = *tensor;
    return tensor != nullptr;
  }
  static handle from_cpp(const at::Tensor& tensor, rv_policy, cleanup_list*) noexcept {
    return gsv3d::python::torch_tensor(tensor);
  }
};

}  // namespace nanobind::detail
