// Who tells whom that something has changed.
#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include "front/server.h"
#include "space/policy.h"
#include "space/shared_catalog.h"

namespace qrx::serve {

// From the rules to the front, and to other nodes; from those to the front. Silent until these are there. Thread-safe,
// but for what is set before the nodes are joined.
class Wakes : public space::Events, public space::NodeEvents {
 public:
  void set_front(front::Server* server) { server_ = server; }
  void set_nodes(space::SharedCatalog* nodes) { nodes_ = nodes; }
  // Both before the nodes are joined. Called on a thread of the catalog.
  void on_cut_off(std::function<void()> cut) { cut_ = std::move(cut); }
  void on_disagreement(std::function<void(const space::NodeCard&)> tell) { disagreement_ = std::move(tell); }
  void wake(const Id& topic) {
    if (front::Server* server = server_) server->wake(topic);
  }

  void space_changed(const Guid& guid) override { changed(guid, false); }
  void upload_grew(const Id& upload) override { changed(upload, true); }
  void delivery_changed(const Id& delivery) override { changed(delivery, false); }

  void heard(const Id& topic) override { wake(topic); }
  // Every waiter looks at its state again, and goes on waiting when nothing has changed.
  void missed() override {
    if (front::Server* server = server_) server->wake_all();
  }
  void cut_off() override { cut_(); }
  void disagrees(const space::NodeCard& other) override { disagreement_(other); }

 private:
  void changed(const Id& topic, bool all_the_time) {
    wake(topic);
    if (space::SharedCatalog* nodes = nodes_) nodes->tell(topic, all_the_time);
  }

  std::atomic<front::Server*> server_{nullptr};
  std::atomic<space::SharedCatalog*> nodes_{nullptr};
  std::function<void()> cut_;
  std::function<void(const space::NodeCard&)> disagreement_;
};

}  // namespace qrx::serve
