#include "image/texture_files.h"

#include <algorithm>
#include <memory>

#include "core/error.h"
#include "image/load_image.h"

#ifdef GSV3D_HAS_FFMPEG
extern "C" {
#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>
}
#endif

namespace gsv3d {
namespace {

enum class Format { other, bmp, dds, tga, ktx, thin_png };

bool ends_with_tga(const std::string& name) {
  if (name.size() < 4) return false;
  std::string end = name.substr(name.size() - 4);
  std::transform(end.begin(), end.end(), end.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return end == ".tga";
}

Format format_of(const std::string& bytes, const std::string& name) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xabKTX ")) return Format::ktx;
  if (bytes.starts_with("DDS ")) return Format::dds;
  if (bytes.starts_with("BM")) return Format::bmp;
  // Textures of one pixel are common, photos of one are refused: IHDR holds width and height, big-endian, at 16 and 20.
  if (bytes.starts_with("\x89PNG") && bytes.size() > 24)
    if (bytes.compare(16, 4, "\0\0\0\1", 4) == 0 || bytes.compare(20, 4, "\0\0\0\1", 4) == 0) return Format::thin_png;
  const bool other = bytes.starts_with("\x89PNG") || bytes.starts_with("\xff\xd8") || bytes.starts_with("RIFF");
  const bool marked = std::string_view(bytes).ends_with("TRUEVISION-XFILE.\0"sv);
  return !other && (marked || ends_with_tga(name)) ? Format::tga : Format::other;
}

#ifdef GSV3D_HAS_FFMPEG

struct Free {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(SwsContext* context) const { sws_freeContext(context); }
};

/// Rows are padded for libswscale, which writes whole vectors, then copied.
Image to_rgba(const AVFrame& frame, const std::string& name) {
  const std::unique_ptr<SwsContext, Free> scaler(
      sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(frame.format), frame.width, frame.height,
                     AV_PIX_FMT_RGBA, SWS_POINT | SWS_ACCURATE_RND, nullptr, nullptr, nullptr));
  require(scaler != nullptr, "{}: pixels of this kind cannot be converted", name);
  const int stride = (4 * frame.width + 63) / 64 * 64;
  std::vector<uint8_t> padded(static_cast<size_t>(stride) * static_cast<size_t>(frame.height) + 64);
  uint8_t* planes[4] = {padded.data(), nullptr, nullptr, nullptr};
  const int strides[4] = {stride, 0, 0, 0};
  require(sws_scale(scaler.get(), frame.data, frame.linesize, 0, frame.height, planes, strides) == frame.height,
          "{}: the picture cannot be converted", name);
  Image image{frame.width, frame.height, {}, false};
  image.pixels.reserve(static_cast<size_t>(image.width * image.height * 4));
  for (int row = 0; row < frame.height; ++row) {
    const uint8_t* line = padded.data() + static_cast<ptrdiff_t>(row) * stride;
    image.pixels.insert(image.pixels.end(), line, line + 4 * image.width);
  }
  return image;
}

Image decode_with_ffmpeg(const std::string& bytes, AVCodecID id, const std::string& name) {
  av_log_set_level(AV_LOG_QUIET);
  const AVCodec* codec = avcodec_find_decoder(id);
  require(codec != nullptr, "{}: this build's FFmpeg has no decoder for it", name);
  const std::unique_ptr<AVCodecContext, Free> context(avcodec_alloc_context3(codec));
  const std::unique_ptr<AVPacket, Free> packet(av_packet_alloc());
  const std::unique_ptr<AVFrame, Free> frame(av_frame_alloc());
  require(context && packet && frame, "{}: no memory", name);
  context->max_pixels = kMaxPixels;
  context->thread_count = 1;
  require(bytes.size() < (size_t{1} << 30) && av_new_packet(packet.get(), static_cast<int>(bytes.size())) == 0,
          "{}: the file is too large", name);
  std::copy(bytes.begin(), bytes.end(), packet->data);
  const bool decoded = avcodec_open2(context.get(), codec, nullptr) == 0 &&
                       avcodec_send_packet(context.get(), packet.get()) == 0 &&
                       avcodec_receive_frame(context.get(), frame.get()) == 0;
  require(decoded, "{}: the {} picture cannot be decoded", name, codec->long_name);
  return to_rgba(*frame, name);
}

AVCodecID codec_of(Format format) {
  switch (format) {
    case Format::bmp:
      return AV_CODEC_ID_BMP;
    case Format::dds:
      return AV_CODEC_ID_DDS;
    case Format::thin_png:
      return AV_CODEC_ID_PNG;
    default:
      return AV_CODEC_ID_TARGA;
  }
}

#endif

}  // namespace

Image decode_texture(const std::string& bytes, const std::string& name) {
  const Format format = format_of(bytes, name);
  if (format == Format::ktx) fail("{}: KTX textures (Basis Universal) are not read; save it as PNG, JPEG or WebP", name);
  if (format != Format::other) {
#ifdef GSV3D_HAS_FFMPEG
    Image image = decode_with_ffmpeg(bytes, codec_of(format), name);
    image.has_alpha = has_transparency(image);
    return image;
#endif
  }
  Image image = decode_picture(bytes, name);
  image.has_alpha = has_transparency(image);
  return image;
}

}  // namespace gsv3d
