#ifdef GSV3D_WITH_VIDEO

#include "video/video.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libswscale/swscale.h>
}

#include "core/atomic_file.h"
#include "image_files.h"

namespace gsv3d {
namespace {

using testing::error_of;
using ::testing::HasSubstr;

struct Decoded {
  int width = 0, height = 0, frames = 0;
  AVPixelFormat format = AV_PIX_FMT_NONE;
  double seconds = 0;
  std::vector<std::array<int, 3>> middles;  ///< RGB in the middle of every frame
};

std::array<int, 3> middle_of(const AVFrame* frame) {
  SwsContext* scaler = sws_getContext(frame->width, frame->height, static_cast<AVPixelFormat>(frame->format), frame->width,
                                      frame->height, AV_PIX_FMT_RGB24, SWS_BILINEAR, nullptr, nullptr, nullptr);
  const int* bt709 = sws_getCoefficients(SWS_CS_ITU709);
  sws_setColorspaceDetails(scaler, bt709, 0, bt709, 1, 0, 1 << 16, 1 << 16);
  std::vector<uint8_t> rgb(3 * frame->width * frame->height);
  uint8_t* planes[] = {rgb.data()};
  const int strides[] = {3 * frame->width};
  sws_scale(scaler, frame->data, frame->linesize, 0, frame->height, planes, strides);
  sws_freeContext(scaler);
  const uint8_t* pixel = &rgb[3 * (frame->height / 2 * frame->width + frame->width / 2)];
  return {pixel[0], pixel[1], pixel[2]};
}

Decoded decode(const std::filesystem::path& path) {
  Decoded result;
  AVFormatContext* file = nullptr;
  if (avformat_open_input(&file, path.c_str(), nullptr, nullptr) < 0) return result;
  avformat_find_stream_info(file, nullptr);
  const AVCodecParameters* parameters = file->streams[0]->codecpar;
  AVCodecContext* codec = avcodec_alloc_context3(avcodec_find_decoder(parameters->codec_id));
  avcodec_parameters_to_context(codec, parameters);
  avcodec_open2(codec, codec->codec, nullptr);
  result.width = parameters->width, result.height = parameters->height;
  result.format = static_cast<AVPixelFormat>(parameters->format);
  result.seconds = static_cast<double>(file->duration) / AV_TIME_BASE;
  AVPacket* packet = av_packet_alloc();
  AVFrame* frame = av_frame_alloc();
  for (bool more = true; more;) {
    more = av_read_frame(file, packet) >= 0;
    avcodec_send_packet(codec, more ? packet : nullptr);
    while (avcodec_receive_frame(codec, frame) >= 0) ++result.frames, result.middles.push_back(middle_of(frame));
    av_packet_unref(packet);
  }
  av_frame_free(&frame);
  av_packet_free(&packet);
  avcodec_free_context(&codec);
  avformat_close_input(&file);
  return result;
}

TEST(Video, HasEveryFrameInItsColours) {
  const testing::TemporaryFolder folder;
  std::vector<Image> frames;
  const std::array<std::array<uint8_t, 3>, 3> colours = {{{220, 40, 40}, {40, 200, 60}, {30, 60, 210}}};
  for (int i = 0; i < 21; ++i) frames.push_back(blank_image(65, 47, colours[i % 3][0], colours[i % 3][1], colours[i % 3][2]));
  write_mp4(folder / "orbit.mp4", frames, {10, 12});
  const Decoded decoded = decode(folder / "orbit.mp4");
  EXPECT_EQ(decoded.frames, 21);
  EXPECT_EQ(decoded.width, 66);  // odd sizes are padded to even ones
  EXPECT_EQ(decoded.height, 48);
  EXPECT_EQ(decoded.format, AV_PIX_FMT_YUV420P);
  EXPECT_NEAR(decoded.seconds, 2.1, 0.02);
  for (size_t i = 0; i < decoded.middles.size(); ++i) {
    // 8-bit limited-range YUV plus quantisation: a few levels.
    for (int c = 0; c < 3; ++c) EXPECT_NEAR(decoded.middles[i][c], colours[i % 3][c], 8) << "frame " << i;
  }
}

TEST(Video, IndexComesFirstAndNothingElseIsLeft) {
  const testing::TemporaryFolder folder;
  write_mp4(folder / "a.mp4", std::vector<Image>(3, blank_image(32, 32, 9, 9, 9)));
  const std::string bytes = read_file(folder / "a.mp4");
  EXPECT_LT(bytes.find("moov"), bytes.find("mdat"));
  int files = 0;
  for (const auto& unused : std::filesystem::directory_iterator(folder / ".")) (void)unused, ++files;
  EXPECT_EQ(files, 1);
}

TEST(Video, UnfinishedVideosLeaveNoFile) {
  const testing::TemporaryFolder folder;
  {
    VideoWriter writer(folder / "a.mp4", 32, 32);
    writer.add(blank_image(32, 32, 1, 2, 3));
    EXPECT_THAT(error_of([&] { writer.add(blank_image(30, 32, 1, 2, 3)); }), HasSubstr("30 x 32"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / "."));
  EXPECT_THAT(error_of([&] { write_mp4(folder / "b.mp4", {}); }), HasSubstr("no frames"));
}

TEST(Video, TransparencyShowsWhite) {
  const testing::TemporaryFolder folder;
  write_mp4(folder / "a.mp4", {blank_image(32, 32, 0, 0, 0, 0)});
  const Decoded decoded = decode(folder / "a.mp4");
  ASSERT_EQ(decoded.frames, 1);
  for (int c = 0; c < 3; ++c) EXPECT_NEAR(decoded.middles[0][c], 255, 4);
}

}  // namespace
}  // namespace gsv3d

#endif
