// For tests of the saver: files beneath a directory, put there, saved and looked at.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include "receive/saver.h"
#include "unit/catch.h"

namespace qrx::test {

inline std::string content(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void put(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

inline std::set<std::string> all_files(const std::string& root) {
  std::set<std::string> out;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (!entry.is_directory()) out.insert(std::filesystem::relative(entry.path(), root).string());
  return out;
}

inline std::unique_ptr<receive::Saver> open_saver(const std::string& output,
                                                  receive::OnConflict on_conflict = receive::OnConflict::rename) {
  auto saver = receive::Saver::open(output, on_conflict);
  INFO((saver ? std::string() : saver.error().what));
  REQUIRE(saver);
  return std::move(*saver);
}

inline Result<std::string> save(receive::Saver& saver, const std::string& name, const std::string& text,
                                const Id& delivery = Id::random()) {
  auto partial = saver.begin(name, Id::random(), delivery);
  if (!partial) return tl::unexpected(partial.error());
  if (auto written = partial->write(as_bytes(text)); !written) return tl::unexpected(written.error());
  return partial->publish();
}

}  // namespace qrx::test
