#include "exports/viewer_template.h"

// The assembler copies the file: nothing to generate, and the compiler sees no megabyte of numbers.
asm(R"(
    .section .rodata
    .global gsv3d_viewer_page_begin
    .global gsv3d_viewer_page_end
gsv3d_viewer_page_begin:
    .incbin ")" GSV3D_VIEWER_PAGE R"("
gsv3d_viewer_page_end:
    .byte 0
    .text
)");

extern "C" const char gsv3d_viewer_page_begin[], gsv3d_viewer_page_end[];

namespace gsv3d {

std::string_view viewer_template() {
  return {gsv3d_viewer_page_begin, static_cast<size_t>(gsv3d_viewer_page_end - gsv3d_viewer_page_begin)};
}

}  // namespace gsv3d
