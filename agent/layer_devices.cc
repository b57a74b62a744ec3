#include "agent/layer_devices.h"

#include "sys/file.h"
#include "sys/loop_device.h"

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <system_error>
#include <thread>

namespace berth::agent {
namespace {

constexpr size_t kThreadsMax = 16;

std::vector<std::string> layer_images(const std::map<std::string, image::Image*>& images) {
  std::set<std::string> layers;
  for (const auto& [container, image] : images) {
    layers.insert(image->layer_trees.begin(), image->layer_trees.end());
  }
  std::vector<std::string> files;
  for (const std::string& layer : layers) {
    auto known = sys::stat(layer);
    if (known && S_ISREG(known->st_mode)) files.push_back(layer);
  }
  return files;
}

}  // namespace

std::vector<sys::Fd> hold_layer_devices(const std::map<std::string, image::Image*>& images) {
  std::vector<std::string> files = layer_images(images);
  sys::AttachedLoopDevices attached;
  if (files.empty() || !attached.look()) return {};
  std::vector<sys::Fd> devices(files.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i = next++; i < files.size(); i = next++) {
      auto loop = sys::attach_loop_device_to_read(files[i], attached);
      if (loop) devices[i] = std::move(loop->device);
    }
  };
  std::vector<std::thread> threads;
  try {
    for (size_t i = 1; i < std::min(files.size(), kThreadsMax); ++i) threads.emplace_back(work);
  } catch (const std::system_error&) {  // no more threads here: those that there are take longer
  }
  work();
  for (std::thread& thread : threads) thread.join();
  return devices;
}

}  // namespace berth::agent
