// Loop devices of the layers that are images, from the preparation of a task until its containers
// have their root file systems.
#pragma once

#include "image/puller.h"
#include "sys/fd.h"

#include <map>
#include <string>
#include <vector>

namespace berth::agent {

// Attaches those of all images, or takes the ones that are attached. While the descriptors are
// open, whoever mounts a layer finds its device. Attaching one waits for the disk
// (sys/loop_device.h), and for ten at once hardly longer than for one. What fails is left out: it
// fails again, and is told, where the layer is mounted.
std::vector<sys::Fd> hold_layer_devices(const std::map<std::string, image::Image*>& images);

}  // namespace berth::agent
