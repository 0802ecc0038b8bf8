// What a camera's pictures read: PGM pictures on stdin, each looked at alone as the scan helper would. Prints how many
// were read, by which step, and the processor time a picture; beside it what ZXing reads of the whole picture by
// itself. qrx-bench-watch [BUDGET_MS]
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "vision/frames_pgm.h"
#include "vision/search.h"
#include "vision/search_codes.h"
#include "vision/watch.h"

using namespace qrx;
using namespace qrx::vision;

int main(int argc, char** argv) {
  const auto frames = frames_of_pgm(STDIN_FILENO, false);
  warm_up_search();
  Watch watch(true, argc > 1 ? std::chrono::milliseconds(std::atoi(argv[1])) : Watch::usual_budget);
  int count = 0, read = 0, plain = 0;
  std::map<std::string, int> steps;
  std::chrono::nanoseconds used{0}, longest{0};
  while (const Gray* gray = frames->next()) {
    const auto before = thread_time();
    const SearchResult found = watch.look(*gray);
    const auto time = thread_time() - before;
    used += time;
    longest = std::max(longest, time);
    ++count;
    SearchOptions any;
    any.any = true;
    Search alone(*gray, any);
    if (alone.read(alone.gray())) ++plain;
    if (!found.texts.empty()) {
      ++read;
      ++steps[found.step];
    }
  }
  std::printf("read %d of %d (ZXing alone %d), %.1f ms a picture, at most %.1f ms;", read, count, plain,
              std::chrono::duration<double, std::milli>(used).count() / std::max(count, 1),
              std::chrono::duration<double, std::milli>(longest).count());
  for (const auto& [step, times] : steps) std::printf(" %s %d", step.c_str(), times);
  std::printf("\n");
  return count > 0 ? 0 : 1;
}
