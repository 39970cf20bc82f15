/*
 * baseline_map - best fit on the standard library's trees.    SPDX-License-Identifier: BSD-2-Clause
 *
 * What one writes in an afternoon: the holes in a std::map by address and in a std::set by (size,
 * address); best fit is lower_bound() by size, a free looks at both neighbours by address.  Nothing
 * is kept for a busy block: the caller's address and size say all, and nothing checks them.  Its
 * placement, the smallest hole that fits and of those the lowest, is the yardstick for
 * fragmentation; its speed is what a reader would otherwise have.
 */
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "adapter.h"

namespace
{

constexpr uint64_t base = uint64_t{ 1 } << 32;

/* Counts what the trees take, so that metadata can be compared. */
template <class Value> struct counting_allocator {
    using value_type = Value;
    std::size_t *bytes;

    explicit counting_allocator(std::size_t *counter) : bytes(counter)
    {
    }
    template <class Other>
    counting_allocator(const counting_allocator<Other> &other) : bytes(other.bytes)
    {
    }
    Value *
    allocate(std::size_t count)
    {
        *bytes += count * sizeof(Value);
        return static_cast<Value *>(::operator new(count * sizeof(Value)));
    }
    void
    deallocate(Value *memory, std::size_t count)
    {
        *bytes -= count * sizeof(Value);
        ::operator delete(memory);
    }
    template <class Other>
    bool
    operator==(const counting_allocator<Other> &other) const
    {
        return bytes == other.bytes;
    }
    template <class Other>
    bool
    operator!=(const counting_allocator<Other> &other) const
    {
        return bytes != other.bytes;
    }
};

class map_arena
{
  public:
    explicit map_arena(uint64_t size)
        : by_addr_(allocator(&bytes_)), by_size_(set_allocator(&bytes_))
    {
        insert(base, size);
    }

    bool
    alloc(uint64_t size, uint64_t *addr)
    {
        const auto found = by_size_.lower_bound({ size, 0 });

        if (found == by_size_.end()) {
            return false;
        }
        const auto hole = by_addr_.find(found->second);
        *addr = hole->first;
        take(hole, hole->first, size);
        return true;
    }

    /* Up the sizes until a hole has an aligned place: O(holes) in the worst case. */
    bool
    alloc_aligned(uint64_t size, uint64_t align, uint64_t *addr)
    {
        for (auto found = by_size_.lower_bound({ size, 0 }); found != by_size_.end(); ++found) {
            const uint64_t start = (found->second + align - 1) & ~(align - 1);

            if (start - found->second + size <= found->first) {
                *addr = start;
                take(by_addr_.find(found->second), start, size);
                return true;
            }
        }
        return false;
    }

    bool
    alloc_at(uint64_t addr, uint64_t size)
    {
        auto hole = by_addr_.upper_bound(addr);

        if (hole == by_addr_.begin()) {
            return false;
        }
        --hole;
        if (addr - hole->first > hole->second || hole->second - (addr - hole->first) < size) {
            return false;
        }
        take(hole, addr, size);
        return true;
    }

    void
    free_range(uint64_t addr, uint64_t size)
    {
        auto next = by_addr_.lower_bound(addr);

        if (next != by_addr_.end() && next->first == addr + size) {
            size += next->second;
            next = erase(next);
        }
        if (next != by_addr_.begin()) {
            auto previous = next;
            --previous;
            if (previous->first + previous->second == addr) {
                addr = previous->first;
                size += previous->second;
                erase(previous);
            }
        }
        insert(addr, size);
    }

    std::size_t
    bytes() const
    {
        return bytes_ + sizeof *this;
    }

  private:
    using allocator = counting_allocator<std::pair<const uint64_t, uint64_t>>;
    using address_map = std::map<uint64_t, uint64_t, std::less<uint64_t>, allocator>;
    using size_key = std::pair<uint64_t, uint64_t>; /* size, address: ties go to the lowest */
    using set_allocator = counting_allocator<size_key>;

    std::size_t bytes_ = 0;
    address_map by_addr_; /* address of a hole -> its size */
    std::set<size_key, std::less<size_key>, set_allocator> by_size_;

    void
    insert(uint64_t addr, uint64_t size)
    {
        by_addr_.emplace(addr, size);
        by_size_.emplace(size, addr);
    }

    address_map::iterator
    erase(address_map::iterator hole)
    {
        by_size_.erase({ hole->second, hole->first });
        return by_addr_.erase(hole);
    }

    /* Cut [addr, addr + size) out of a hole. */
    void
    take(address_map::iterator hole, uint64_t addr, uint64_t size)
    {
        const uint64_t start = hole->first;
        const uint64_t end = start + hole->second;

        erase(hole);
        if (start < addr) {
            insert(start, addr - start);
        }
        if (addr + size < end) {
            insert(addr + size, end - (addr + size));
        }
    }
};

struct locked_map_arena {
    std::mutex lock;
    map_arena arena;

    explicit locked_map_arena(uint64_t size) : arena(size)
    {
    }
};

void *
create_map(uint64_t span_quanta)
{
    return new map_arena(span_quanta * BENCH_QUANTUM);
}

void
destroy_map(void *arena)
{
    delete static_cast<map_arena *>(arena);
}

bool
alloc_map(void *arena, uint64_t size, uint64_t *key)
{
    return static_cast<map_arena *>(arena)->alloc(size, key);
}

bool
alloc_map_aligned(void *arena, uint64_t size, uint64_t align, uint64_t *key)
{
    return static_cast<map_arena *>(arena)->alloc_aligned(size, align, key);
}

void
free_map(void *arena, uint64_t key, uint64_t size)
{
    static_cast<map_arena *>(arena)->free_range(key, size);
}

std::size_t
map_bytes(void *arena)
{
    return static_cast<map_arena *>(arena)->bytes();
}

void *
create_locked(uint64_t span_quanta)
{
    return new locked_map_arena(span_quanta * BENCH_QUANTUM);
}

void
destroy_locked(void *arena)
{
    delete static_cast<locked_map_arena *>(arena);
}

bool
alloc_locked(void *arena, uint64_t size, uint64_t *key)
{
    auto *map = static_cast<locked_map_arena *>(arena);
    const std::lock_guard<std::mutex> guard(map->lock);

    return map->arena.alloc(size, key);
}

void
free_locked(void *arena, uint64_t key, uint64_t size)
{
    auto *map = static_cast<locked_map_arena *>(arena);
    const std::lock_guard<std::mutex> guard(map->lock);

    map->arena.free_range(key, size);
}

} // namespace

extern "C" {

bool
bench_map_alloc_at(void *arena, uint64_t addr, uint64_t size)
{
    return static_cast<map_arena *>(arena)->alloc_at(addr, size);
}

const struct bench_adapter bench_map = {
    "std::map best fit",
    "naive baseline: holes by address in a std::map, by size in a std::set",
    false,
    true,
    nullptr,
    create_map,
    destroy_map,
    alloc_map,
    alloc_map_aligned,
    free_map,
    map_bytes,
};

const struct bench_adapter bench_map_locked = {
    "std::map best fit, locked",
    "the same under a std::mutex",
    true,
    true,
    nullptr,
    create_locked,
    destroy_locked,
    alloc_locked,
    nullptr,
    free_locked,
    nullptr,
};
}
