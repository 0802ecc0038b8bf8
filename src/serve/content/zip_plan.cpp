#include "serve/content/zip_plan.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "base/text.h"
#include "wire/limits.h"
#include "wire/names.h"
#include "wire/zip.h"

namespace qrx::serve {
namespace {

// Entries of plans that have ended are looked for from here on; those in use are kept by their downloads.
constexpr std::size_t most_plans = 64;

// Reserved on Windows with any extension.
bool is_device(std::string_view part) {
  const std::string stem = to_lower_ascii(part.substr(0, part.find('.')));
  constexpr std::array<std::string_view, 4> plain = {"con", "prn", "aux", "nul"};
  if (std::find(plain.begin(), plain.end(), stem) != plain.end()) return true;
  return stem.size() == 4 && (stem.starts_with("com") || stem.starts_with("lpt")) && stem[3] >= '0' && stem[3] <= '9';
}

// Of UTF-8, by its first byte. Names are valid UTF-8 (wire/names.h).
std::size_t length_of_character(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

// Recipients unpack on any system, often by a double click: the name must mean the same file everywhere, or nothing
// special anywhere.
std::string safe_part(std::string_view part) {
  std::string out;
  for (std::size_t at = 0; at < part.size();) {
    const std::string_view character = part.substr(at, length_of_character(part[at]));
    at += character.size();
    const bool strange =
        character.size() == 1 && std::string_view("<>:\"|?*\\").find(character[0]) != std::string_view::npos;
    if (strange || escape_untrusted(character) != character)
      out += '_';
    else
      out += character;
  }
  while (!out.empty() && (out.back() == '.' || out.back() == ' ')) out.back() = '_';  // Windows drops them
  if (is_device(out)) out.insert(0, "_");
  return out.empty() ? "_" : out;
}

// Some file systems do not tell cases apart; beyond ASCII that is left to whoever unpacks.
std::string folded(std::string_view name) {
  return to_lower_ascii(name);
}

// "photo.jpg" to "photo (2).jpg", in its last part, which stays short enough for a file system.
std::string numbered(const std::string& name, unsigned number) {
  const auto slash = name.rfind('/');
  const auto begin = slash == std::string::npos ? 0 : slash + 1;
  auto dot = name.rfind('.');
  if (dot == std::string::npos || dot <= begin || name.size() - dot > 20) dot = name.size();
  const std::string end = " (" + std::to_string(number) + ")" + name.substr(dot);
  std::size_t stem = std::min(dot, begin + wire::most_part_bytes - end.size());
  while (stem > begin && stem < dot && (static_cast<unsigned char>(name[stem]) & 0xC0U) == 0x80U) --stem;
  return name.substr(0, stem) + end;
}

// Names in use, so that no entry is another's twin or lies in a folder that is a file.
class Names {
 public:
  std::string add(const std::string& wanted) {
    std::string name = free_name(in_free_folders(wanted));
    const std::string key = folded(name);
    for (auto slash = key.find('/'); slash != std::string::npos; slash = key.find('/', slash + 1))
      folders_.insert(key.substr(0, slash));
    files_.insert(key);
    return name;
  }

 private:
  std::string in_free_folders(std::string name) const {
    for (auto slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
      std::string folder = name.substr(0, slash);
      if (!files_.contains(folded(folder))) continue;
      const std::string wanted = folder;
      for (unsigned number = 2; files_.contains(folded(folder)); ++number) folder = numbered(wanted, number);
      name = folder + name.substr(slash);
      slash = folder.size();
    }
    return name;
  }
  std::string free_name(const std::string& wanted) {
    const auto taken = [this](const std::string& name) {
      return files_.contains(folded(name)) || folders_.contains(folded(name));
    };
    if (!taken(wanted)) return wanted;
    // Where the last search ended, so that a thousand files of one name are not tried a million times.
    unsigned& number = numbers_.try_emplace(folded(wanted), 2U).first->second;
    std::string name;
    do name = numbered(wanted, number++);
    while (taken(name));
    return name;
  }

  std::unordered_set<std::string> files_, folders_;
  std::unordered_map<std::string, unsigned> numbers_;
};

}  // namespace

std::string archive_name(std::string_view name) {
  std::string out;
  while (!name.empty()) {
    const auto slash = name.find('/');
    if (!out.empty()) out += '/';
    out += safe_part(name.substr(0, slash));
    name = slash == std::string_view::npos ? std::string_view() : name.substr(slash + 1);
  }
  if (!out.empty() && (out[0] == '.' || out[0] == '-')) out[0] = '_';
  return out.empty() ? "_" : out;
}

ZipPlan::ZipPlan(std::shared_ptr<const space::SpaceState> state, std::vector<std::uint32_t> files)
    : state_(std::move(state)), files_(std::move(files)) {
  name_entries();
  measure();
}

void ZipPlan::name_entries() {
  std::unordered_map<Id, WallTime, IdHash> committed;
  for (const space::DeliveryRow& delivery : state_->deliveries)
    committed.emplace(delivery.delivery, delivery.committed.value_or(delivery.created));
  Names names;
  names_.reserve(files_.size());
  modified_.reserve(files_.size());
  for (std::size_t entry = 0; entry < files_.size(); ++entry) {
    names_.push_back(names.add(archive_name(file(entry).name)));
    modified_.push_back(file(entry).properties.modified.value_or(committed[file(entry).delivery]));
  }
}

// By making the headers and throwing them away: their length depends on the names and, with ZIP64, on sizes and
// offsets. An exact Content-Length lets clients show progress and notice that something is missing.
void ZipPlan::measure() {
  std::uint64_t central = 0;
  for (std::size_t at = 0; at < entries(); ++at) {
    const wire::ZipEntry entry{names_[at], file(at).size, modified_[at], length_, 0, file(at).properties.executable};
    length_ += wire::zip_local_header(entry).size() + entry.size + wire::zip_descriptor(entry).size();
    central += wire::zip_central_record(entry).size();
  }
  length_ += central + wire::zip_end(entries(), length_, central).size();
}

std::shared_ptr<const ZipPlan> ZipPlans::plan(std::shared_ptr<const space::SpaceState> state,
                                              std::vector<std::uint32_t> files) {
  const Guid guid = state->space.guid;
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = plans_.find(guid); known != plans_.end())
      // The same copy of the space: naming 100,000 entries takes a while, and every recipient's download needs it.
      if (auto plan = known->second.lock(); plan && plan->state() == state && plan->files() == files) return plan;
  }
  auto made = std::make_shared<const ZipPlan>(std::move(state), std::move(files));
  const std::lock_guard lock(mutex_);
  if (plans_.size() >= most_plans) std::erase_if(plans_, [](const auto& entry) { return entry.second.expired(); });
  plans_[guid] = made;
  return made;
}

}  // namespace qrx::serve
