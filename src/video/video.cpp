#include "video/video.h"

#include "core/error.h"

#ifdef GSV3D_WITH_VIDEO
extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
}

#include "core/atomic_file.h"
#include "core/log.h"
#include "image/framing.h"
#endif

namespace gsv3d {

#ifdef GSV3D_WITH_VIDEO
namespace {

struct Free {
  void operator()(AVCodecContext* context) const { avcodec_free_context(&context); }
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
  void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
  void operator()(AVFormatContext* file) const {
    if (file->pb) avio_closep(&file->pb);
    avformat_free_context(file);
  }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

void check(int status, const std::string& name, const char* what) {
  if (status >= 0) return;
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(status, text, sizeof text);
  fail("cannot write the video {}: {}: {}", name, what, text);
}

Owned<AVCodecContext> open_encoder(const AVCodec* codec, int width, int height, const VideoOptions& options, bool global_header) {
  Owned<AVCodecContext> context(avcodec_alloc_context3(codec));
  context->width = width, context->height = height;
  context->pix_fmt = AV_PIX_FMT_YUV420P;
  context->framerate = av_d2q(options.frames_per_second, 100000);
  context->time_base = av_inv_q(context->framerate);
  context->color_range = AVCOL_RANGE_MPEG;
  context->colorspace = AVCOL_SPC_BT709;
  context->color_primaries = AVCOL_PRI_BT709;
  context->color_trc = AVCOL_TRC_BT709;
  if (global_header) context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  if (std::string_view(codec->name) == "libx264") {
    av_opt_set_int(context->priv_data, "crf", options.quality, 0);
  } else {
    // Without a constant quality mode that all of them share: a generous rate, about x264's at this quality for smooth renders.
    context->bit_rate = static_cast<int64_t>(0.2 * width * height * options.frames_per_second);
  }
  return avcodec_open2(context.get(), codec, nullptr) >= 0 ? std::move(context) : nullptr;
}

/// libx264 first; then whatever else this machine's FFmpeg can open.
Owned<AVCodecContext> find_encoder(int width, int height, const VideoOptions& options, bool global_header,
                                   const std::string& name) {
  const AVCodec* candidates[] = {avcodec_find_encoder_by_name("libx264"), avcodec_find_encoder_by_name("libopenh264"),
                                 avcodec_find_encoder(AV_CODEC_ID_H264), avcodec_find_encoder(AV_CODEC_ID_MPEG4)};
  for (const AVCodec* codec : candidates) {
    if (!codec) continue;
    if (auto context = open_encoder(codec, width, height, options, global_header)) {
      if (codec != candidates[0]) spdlog::info("{}: libx264 is missing; the video is encoded with {}", name, codec->name);
      return context;
    }
  }
  fail("cannot write the video {}: FFmpeg has no H.264 or MPEG-4 encoder here", name);
}

}  // namespace

struct VideoWriter::Encoder {
  Encoder(const std::filesystem::path& path, int64_t frame_width, int64_t frame_height, const VideoOptions& options);
  void add(const Image& frame);
  void finish();
  /// Encodes one picture (none: the end) and writes what comes out.
  void encode(const AVFrame* picture);

  std::string name;
  int64_t width, height, frames = 0;
  AtomicFile target;
  Owned<AVFormatContext> file;
  Owned<AVCodecContext> codec;
  Owned<AVFrame> picture;
  Owned<AVPacket> packet;
  Owned<SwsContext> scaler;
  AVStream* stream = nullptr;
};

VideoWriter::Encoder::Encoder(const std::filesystem::path& path, int64_t frame_width, int64_t frame_height,
                              const VideoOptions& options)
    : name(path.string()), width(frame_width), height(frame_height), target(path) {
  av_log_set_level(AV_LOG_ERROR);
  AVFormatContext* opened = nullptr;
  // The format is named because the temporary file's name does not end in .mp4.
  check(avformat_alloc_output_context2(&opened, nullptr, "mp4", target.temporary_path().c_str()), name, "no MP4 writer");
  file.reset(opened);
  const int even_width = static_cast<int>(width + width % 2), even_height = static_cast<int>(height + height % 2);
  codec = find_encoder(even_width, even_height, options, file->oformat->flags & AVFMT_GLOBALHEADER, name);
  stream = avformat_new_stream(file.get(), nullptr);
  require(stream != nullptr, "cannot write the video {}: out of memory", name);
  stream->time_base = codec->time_base;
  stream->avg_frame_rate = codec->framerate;
  check(avcodec_parameters_from_context(stream->codecpar, codec.get()), name, "no stream");

  picture.reset(av_frame_alloc());
  picture->format = codec->pix_fmt, picture->width = even_width, picture->height = even_height;
  picture->color_range = AVCOL_RANGE_MPEG, picture->colorspace = AVCOL_SPC_BT709;
  check(av_frame_get_buffer(picture.get(), 0), name, "no memory for a frame");
  packet.reset(av_packet_alloc());
  scaler.reset(sws_getContext(even_width, even_height, AV_PIX_FMT_RGBA, even_width, even_height, codec->pix_fmt,
                              SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, nullptr, nullptr, nullptr));
  require(scaler != nullptr, "cannot write the video {}: no colour conversion", name);
  const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
  sws_setColorspaceDetails(scaler.get(), bt709, 1, bt709, 0, 0, 1 << 16, 1 << 16);

  check(avio_open(&file->pb, target.temporary_path().c_str(), AVIO_FLAG_WRITE), name, "the file cannot be opened");
  AVDictionary* settings = nullptr;
  av_dict_set(&settings, "movflags", "+faststart", 0);  // the index before the pictures: browsers play while they load
  const int status = avformat_write_header(file.get(), &settings);
  av_dict_free(&settings);
  check(status, name, "the header");
}

void VideoWriter::Encoder::encode(const AVFrame* input) {
  check(avcodec_send_frame(codec.get(), input), name, "encoding");
  while (true) {
    const int status = avcodec_receive_packet(codec.get(), packet.get());
    if (status == AVERROR(EAGAIN) || status == AVERROR_EOF) return;
    check(status, name, "encoding");
    if (packet->duration == 0) packet->duration = 1;  // else the last frame would take no time
    av_packet_rescale_ts(packet.get(), codec->time_base, stream->time_base);
    packet->stream_index = stream->index;
    check(av_interleaved_write_frame(file.get(), packet.get()), name, "the disk");
  }
}

void VideoWriter::Encoder::add(const Image& frame) {
  require(frame.width == width && frame.height == height,
          "cannot write the video {}: a frame of {} x {} pixels among frames of {} x {}", name, frame.width, frame.height, width,
          height);
  const Image opaque = frame.has_alpha ? composite_on_white(frame) : frame;
  const int64_t stride = 4 * picture->width;
  std::vector<uint8_t> padded(stride * picture->height);
  for (int64_t y = 0; y < picture->height; ++y) {
    const uint8_t* row = opaque.at(0, std::min(y, height - 1));
    std::copy_n(row, 4 * width, padded.data() + y * stride);
    if (picture->width > width) std::copy_n(row + 4 * (width - 1), 4, padded.data() + y * stride + 4 * width);
  }
  check(av_frame_make_writable(picture.get()), name, "no memory for a frame");
  const uint8_t* planes[] = {padded.data()};
  const int strides[] = {static_cast<int>(stride)};
  sws_scale(scaler.get(), planes, strides, 0, picture->height, picture->data, picture->linesize);
  picture->pts = frames++;
  encode(picture.get());
}

void VideoWriter::Encoder::finish() {
  require(frames > 0, "cannot write the video {}: it has no frames", name);
  encode(nullptr);
  check(av_write_trailer(file.get()), name, "the index");
  check(avio_closep(&file->pb), name, "the disk");
  target.commit();
}

VideoWriter::VideoWriter(const std::filesystem::path& path, int64_t width, int64_t height, const VideoOptions& options) {
  require(width > 0 && height > 0 && width <= 16384 && height <= 16384, "cannot write a video of {} x {} pixels", width, height);
  require(options.frames_per_second > 0 && options.frames_per_second <= 1000, "cannot write a video of {} frames per second",
          options.frames_per_second);
  require(options.quality >= 0 && options.quality <= 51, "a video's quality goes from 0 to 51, not {}", options.quality);
  encoder_ = std::make_unique<Encoder>(path, width, height, options);
}

void VideoWriter::add(const Image& frame) {
  require(encoder_ != nullptr, "the video is finished already");
  encoder_->add(frame);
}

void VideoWriter::finish() {
  require(encoder_ != nullptr, "the video is finished already");
  encoder_->finish();
  encoder_.reset();
}

#else

struct VideoWriter::Encoder {};

VideoWriter::VideoWriter(const std::filesystem::path& path, int64_t, int64_t, const VideoOptions&) {
  fail("cannot write the video {}: this build has no FFmpeg (GSV3D_WITH_VIDEO=OFF)", path.string());
}
void VideoWriter::add(const Image&) {}
void VideoWriter::finish() {}

#endif

VideoWriter::~VideoWriter() = default;

void write_mp4(const std::filesystem::path& path, const std::vector<Image>& frames, const VideoOptions& options) {
  require(!frames.empty(), "cannot write the video {}: it has no frames", path.string());
  VideoWriter writer(path, frames[0].width, frames[0].height, options);
  for (const Image& frame : frames) writer.add(frame);
  writer.finish();
}

}  // namespace gsv3d
