#include "front/waiters.h"

namespace qrx::front {

void WaiterList::add(const Id& topic, Waiter& waiter) {
  if (waiter.waiting_) {
    if (waiter.topic_ == topic) return;
    remove(waiter);
  }
  Shard& shard = shard_of(topic);
  const std::lock_guard lock(shard.mutex);
  // A list through the waiters themselves: waiting and waking allocate nothing but the topic's entry.
  Waiter*& first = shard.first[topic];
  waiter.topic_ = topic;
  waiter.previous_ = nullptr;
  waiter.next_ = first;
  if (first != nullptr) first->previous_ = &waiter;
  first = &waiter;
  waiter.waiting_ = true;
  count_.fetch_add(1);
}

void WaiterList::remove(Waiter& waiter) {
  if (!waiter.waiting_) return;
  Shard& shard = shard_of(waiter.topic_);
  const std::lock_guard lock(shard.mutex);
  if (waiter.next_ != nullptr) waiter.next_->previous_ = waiter.previous_;
  if (waiter.previous_ != nullptr)
    waiter.previous_->next_ = waiter.next_;
  else if (waiter.next_ != nullptr)
    shard.first[waiter.topic_] = waiter.next_;
  else
    shard.first.erase(waiter.topic_);
  waiter.waiting_ = false;
  count_.fetch_sub(1);
}

void WaiterList::wake(const Id& topic) {
  // Whoever waits adds itself before it looks at the state, and the state changed before this: a zero here is seen only
  // when the waiter will see the new state itself.
  if (count_.load() == 0) return;
  Shard& shard = shard_of(topic);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.first.find(topic);
  if (found == shard.first.end()) return;
  // Under the lock: a waiter removes itself under it, too, and so is there as long as this runs.
  for (Waiter* waiter = found->second; waiter != nullptr; waiter = waiter->next_) waiter->woken();
}

void WaiterList::wake_all() {
  for (Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    for (const auto& [topic, first] : shard.first)
      for (Waiter* waiter = first; waiter != nullptr; waiter = waiter->next_) waiter->woken();
  }
}

}  // namespace qrx::front
