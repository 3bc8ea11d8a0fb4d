#include "perception/inception.h"

#include <array>

#include "core/error.h"

namespace gsv3d {
namespace {

using Sides = std::array<int64_t, 2>;  // height, width

/// Convolution without bias, batch normalisation with its stored statistics, ReLU.
struct BasicConv {
  Tensor weight, gain, bias, mean, variance;
  int64_t stride;
  Sides padding;

  BasicConv(const nn::Scope& scope, int64_t in, int64_t out, Sides kernel, int64_t stride = 1, Sides padding = {0, 0})
      : weight(
            (scope / "conv").parameter("weight", {out, in, kernel[0], kernel[1]}, nn::Init::fan_in(in * kernel[0] * kernel[1]))),
        gain((scope / "bn").parameter("weight", {out}, nn::Init::ones())),
        bias((scope / "bn").parameter("bias", {out}, nn::Init::zeros())),
        mean((scope / "bn").parameter("running_mean", {out}, nn::Init::zeros())),
        variance((scope / "bn").parameter("running_var", {out}, nn::Init::ones())),
        stride(stride),
        padding(padding) {}

  Tensor operator()(const Tensor& x) const {
    const Tensor y = at::conv2d(x, weight, {}, stride, padding);
    return at::relu(at::batch_norm(y, gain, bias, mean, variance, /*training=*/false, 0, /*eps=*/1e-3, false));
  }
};

/// Convolutions one after the other.
struct Chain {
  std::vector<BasicConv> layers;
  Tensor operator()(Tensor x) const {
    for (const BasicConv& layer : layers) x = layer(x);
    return x;
  }
};

/// 3 × 3 means whose windows count only pixels inside the picture: TensorFlow's, not torchvision's.
Tensor average(const Tensor& x) {
  return at::avg_pool2d(x, 3, 1, 1, /*ceil_mode=*/false, /*count_include_pad=*/false);
}
Tensor halved(const Tensor& x) {
  return at::max_pool2d(x, 3, 2);
}

constexpr Sides one = {1, 1}, three = {3, 3}, five = {5, 5}, wide = {1, 7}, tall = {7, 1}, row = {1, 3}, column = {3, 1};
Sides half(Sides kernel) {
  return {kernel[0] / 2, kernel[1] / 2};
}
BasicConv same(const nn::Scope& scope, int64_t in, int64_t out, Sides kernel) {
  return BasicConv(scope, in, out, kernel, 1, half(kernel));
}
BasicConv halving(const nn::Scope& scope, int64_t in, int64_t out) {
  return BasicConv(scope, in, out, three, 2);
}

struct BlockA {  // Mixed_5b, 5c, 5d
  Chain small, medium, large, pool;
  BlockA(const nn::Scope& s, int64_t in, int64_t pooled)
      : small{{same(s / "branch1x1", in, 64, one)}},
        medium{{same(s / "branch5x5_1", in, 48, one), same(s / "branch5x5_2", 48, 64, five)}},
        large{{same(s / "branch3x3dbl_1", in, 64, one), same(s / "branch3x3dbl_2", 64, 96, three),
               same(s / "branch3x3dbl_3", 96, 96, three)}},
        pool{{same(s / "branch_pool", in, pooled, one)}} {}
  Tensor operator()(const Tensor& x) const { return at::cat({small(x), medium(x), large(x), pool(average(x))}, 1); }
};

struct BlockB {  // Mixed_6a
  Chain small, large;
  BlockB(const nn::Scope& s, int64_t in)
      : small{{halving(s / "branch3x3", in, 384)}},
        large{{same(s / "branch3x3dbl_1", in, 64, one), same(s / "branch3x3dbl_2", 64, 96, three),
               halving(s / "branch3x3dbl_3", 96, 96)}} {}
  Tensor operator()(const Tensor& x) const { return at::cat({small(x), large(x), halved(x)}, 1); }
};

struct BlockC {  // Mixed_6b … 6e
  Chain small, medium, large, pool;
  BlockC(const nn::Scope& s, int64_t in, int64_t c)
      : small{{same(s / "branch1x1", in, 192, one)}},
        medium{{same(s / "branch7x7_1", in, c, one), same(s / "branch7x7_2", c, c, wide), same(s / "branch7x7_3", c, 192, tall)}},
        large{{same(s / "branch7x7dbl_1", in, c, one), same(s / "branch7x7dbl_2", c, c, tall),
               same(s / "branch7x7dbl_3", c, c, wide), same(s / "branch7x7dbl_4", c, c, tall),
               same(s / "branch7x7dbl_5", c, 192, wide)}},
        pool{{same(s / "branch_pool", in, 192, one)}} {}
  Tensor operator()(const Tensor& x) const { return at::cat({small(x), medium(x), large(x), pool(average(x))}, 1); }
};

struct BlockD {  // Mixed_7a
  Chain small, large;
  BlockD(const nn::Scope& s, int64_t in)
      : small{{same(s / "branch3x3_1", in, 192, one), halving(s / "branch3x3_2", 192, 320)}},
        large{{same(s / "branch7x7x3_1", in, 192, one), same(s / "branch7x7x3_2", 192, 192, wide),
               same(s / "branch7x7x3_3", 192, 192, tall), halving(s / "branch7x7x3_4", 192, 192)}} {}
  Tensor operator()(const Tensor& x) const { return at::cat({small(x), large(x), halved(x)}, 1); }
};

struct BlockE {  // Mixed_7b and 7c, of which the last pools by the maximum
  Chain small, medium, large, pool;
  BasicConv medium_row, medium_column, large_row, large_column;
  bool maximum;
  BlockE(const nn::Scope& s, int64_t in, bool maximum)
      : small{{same(s / "branch1x1", in, 320, one)}},
        medium{{same(s / "branch3x3_1", in, 384, one)}},
        large{{same(s / "branch3x3dbl_1", in, 448, one), same(s / "branch3x3dbl_2", 448, 384, three)}},
        pool{{same(s / "branch_pool", in, 192, one)}},
        medium_row(same(s / "branch3x3_2a", 384, 384, row)),
        medium_column(same(s / "branch3x3_2b", 384, 384, column)),
        large_row(same(s / "branch3x3dbl_3a", 384, 384, row)),
        large_column(same(s / "branch3x3dbl_3b", 384, 384, column)),
        maximum(maximum) {}
  Tensor operator()(const Tensor& x) const {
    const Tensor m = medium(x), l = large(x), p = maximum ? at::max_pool2d(x, 3, 1, 1) : average(x);
    return at::cat({small(x), medium_row(m), medium_column(m), large_row(l), large_column(l), pool(p)}, 1);
  }
};

}  // namespace

struct Inception::Implementation {
  Chain stem, second_stem;
  BlockA a1, a2, a3;
  BlockB b;
  BlockC c1, c2, c3, c4;
  BlockD d;
  BlockE e1, e2;
  explicit Implementation(const nn::Scope& s)
      : stem{{halving(s / "Conv2d_1a_3x3", 3, 32), BasicConv(s / "Conv2d_2a_3x3", 32, 32, three),
              same(s / "Conv2d_2b_3x3", 32, 64, three)}},
        second_stem{{same(s / "Conv2d_3b_1x1", 64, 80, one), BasicConv(s / "Conv2d_4a_3x3", 80, 192, three)}},
        a1(s / "Mixed_5b", 192, 32),
        a2(s / "Mixed_5c", 256, 64),
        a3(s / "Mixed_5d", 288, 64),
        b(s / "Mixed_6a", 288),
        c1(s / "Mixed_6b", 768, 128),
        c2(s / "Mixed_6c", 768, 160),
        c3(s / "Mixed_6d", 768, 160),
        c4(s / "Mixed_6e", 768, 192),
        d(s / "Mixed_7a", 768),
        e1(s / "Mixed_7b", 1280, false),
        e2(s / "Mixed_7c", 2048, true) {}
};

Inception::Inception(const nn::Scope& scope) : implementation_(std::make_unique<Implementation>(scope)) {}
Inception::~Inception() = default;
Inception::Inception(Inception&&) noexcept = default;

Tensor Inception::operator()(const Tensor& images) const {
  require(images.dim() == 4 && images.size(1) == 3, "Inception: pictures must be [B, 3, H, W], not [{}]",
          fmt::join(images.sizes(), ", "));
  const Implementation& net = *implementation_;
  Tensor x = at::upsample_bilinear2d(images.to(at::kFloat), {299, 299}, /*align_corners=*/false) * 2 - 1;
  x = halved(net.second_stem(halved(net.stem(x))));
  x = net.b(net.a3(net.a2(net.a1(x))));
  x = net.d(net.c4(net.c3(net.c2(net.c1(x)))));
  return net.e2(net.e1(x)).mean({2, 3});
}

}  // namespace gsv3d
