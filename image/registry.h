// RegistrySource: one repository of a registry, as the puller sees it.
//
// Its mirrors are asked first, in order, each once; what one does not have, cannot give or gives
// wrongly is asked of the next, the registry itself being the last. A mirror that did not answer is
// not asked again. A blob that was cut goes on at the next one, from the byte where it was cut.
// What comes is verified by its digest, whoever gave it; what a tag names, the first that answers
// says.
#pragma once

#include "base/env.h"
#include "image/cancel.h"
#include "image/endpoint.h"
#include "image/puller.h"
#include "image/reference.h"
#include "image/session.h"
#include "image/source.h"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace berth::image {

class RegistrySource final : public Source {
 public:
  // `config` and `cancel` are borrowed; `cancel` may be absent. Nothing is asked yet.
  RegistrySource(Reference reference, const RegistryConfig& config, Env env, Cancel* cancel);

  Result<Descriptor> resolve() override;
  Result<std::string> manifest(const Descriptor& descriptor) override;
  Status blob(const Descriptor& descriptor, const Sink& sink) override;

 private:
  // A session, and whether it is worth asking.
  struct Host {
    std::unique_ptr<RegistrySession> session;
    std::atomic<bool> is_down = false;
  };
  Status make_hosts();
  // From the first host that can; else the last one's error, which names the others.
  template <class T>
  Result<T> ask_hosts(const std::function<Result<T>(RegistrySession&)>& ask);

  Result<Descriptor> resolve_at(RegistrySession& session);
  Result<HttpResponse> manifest_answer(RegistrySession& session, RegistryRequest& request);
  Result<std::string> manifest_at(RegistrySession& session, const Descriptor& descriptor);

  Reference reference_;
  const RegistryConfig& config_;
  Env env_;
  Cancel* cancel_;
  Status made_;  // a mirror may be misspelt
  std::vector<std::unique_ptr<Host>> hosts_;
};

}  // namespace berth::image
