// A catalog that other nodes have, too, and how one node knows of the others.
#pragma once

#include "base/clock.h"
#include "space/catalog.h"

namespace qrx::space {

// What a node says of itself to the others.
struct NodeCard {
  std::string name;    // for people: machine and address
  std::string policy;  // what it allows, one setting a line: equal bytes, equal rules
};

// What a node is told. From threads of the catalog, from SharedCatalog::join() on; must be cheap.
class NodeEvents {
 public:
  virtual ~NodeEvents() = default;
  virtual void heard(const Id& topic) = 0;  // it changed at another node
  virtual void missed() = 0;                // what was told may be lost: anything may have changed
  // For so long the others have not heard of this node that what it holds by limited shares may be given to somebody
  // else: it must stop what is on its way.
  virtual void cut_off() = 0;
  virtual void disagrees(const NodeCard& /*other*/) {}  // another node allows something else; told once of each
};

class SharedCatalog : public Catalog {
 public:
  virtual Clock& clock() = 0;                 // the one time of all nodes
  virtual bool is_new() const = 0;            // its tables were made just now
  virtual void join(NodeEvents& events) = 0;  // `events` hears from now on, until leave()
  virtual void leave() = 0;
  // The other nodes, a moment later; with `may_wait` a quarter of a second later, for what changes all the time. Never
  // blocks.
  virtual void tell(const Id& topic, bool may_wait) = 0;
  virtual Result<void> health() = 0;          // what is wrong with its connections, if anything is
  virtual void introduce(NodeCard card) = 0;  // to the other nodes, a moment later; again when it has changed
  virtual void measure(Measures& to) const = 0;
};

// What a module with such a catalog has under this name.
inline constexpr const char* catalog_module_name = "qrx_catalog_module";
struct CatalogModule {
  const char* version;  // of qrx: that of the program that loads it
  Result<std::unique_ptr<SharedCatalog>> (*open)(const std::string& address, const std::string& listen);
  Result<bool> (*migrate)(const std::string& address);  // its tables; true: there was something to do
};

}  // namespace qrx::space
