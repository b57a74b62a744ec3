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
// needs: that is tried with a small image in `directory`, once in a
// process.
LayerFormat usable(LayerFormat wanted, const std::string& directory);

}  // namespace berth::image
