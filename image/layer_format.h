// What layers are unpacked to.
#pragma once

#include <string>

namespace berth::image {

// A store may have both.
enum class LayerFormat {
  kDirectory,
  kImage,  // an EROFS, see image/erofs_medium.h
};

// `wanted`, or directories where the host cannot mount images, or shows less of them than a layer
// needs: that is tried once in a process, with a small image in `directory`.
LayerFormat usable(LayerFormat wanted, const std::string& directory);

}  // namespace berth::image
