/*
 * vmem.h - OpenVMEM: hand out ranges of integers.                 SPDX-License-Identifier: BSD-2-Clause
 *
 * An *arena* owns *spans* of 64-bit integers (addresses, identifiers, disk blocks, ...) and hands out
 * ranges of them.  It never touches the resource itself: all that it remembers lives in *tags*
 * outside of it.
 *
 * Words      unit      one integer of the resource.
 *            quantum   the arena's granularity, a power of two; sizes are rounded up to it.
 *            span      a contiguous range that the arena owns: added, or imported from a source.
 *            segment   a piece of a span, busy or free.  A free one is a *hole*; holes never touch.
 *            import    obtain a span from a source when the arena is exhausted; release gives it back.
 *
 * Status     0 or a positive errno value, as pthreads do.  Out-pointers are written only on success.
 *            A call that fails leaves the ranges of the arena exactly as they were.
 *            Misuse (a free of what is not allocated, ...) is not a status: the fatal hook is called.
 *
 * Locking    Every call may be made from any thread, unless the arena was created with VMEM_NOLOCK;
 *            then the caller serialises.  No callback ever runs with an arena lock held.  No call may
 *            be made from a signal handler.
 *
 * Numbers in brackets, [S8], name the requirement that a call meets; docs/DESIGN.md lists them.
 */
#ifndef VMEM_VMEM_H
#define VMEM_VMEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define VMEM_VERSION_MAJOR 0
#define VMEM_VERSION_MINOR 1
#define VMEM_VERSION_PATCH 0

#if defined(__GNUC__)
#define VMEM_API __attribute__((visibility("default")))
#define VMEM_MUST_USE __attribute__((warn_unused_result))
#else
#define VMEM_API
#define VMEM_MUST_USE
#endif

/* An integer of the resource, and a number of them.  64 bits on every target. */
typedef uint64_t vmem_addr_t;
typedef uint64_t vmem_size_t;

#define VMEM_ADDR_MAX UINT64_MAX
#define VMEM_SIZE_MAX UINT64_MAX
#define VMEM_NAME_BYTES 32        /* of an arena's name, with the final zero */
#define VMEM_QCACHE_QUANTA_MAX 16 /* largest size that a quantum cache serves, in quanta */

/* An arena.  Opaque. */
struct vmem_arena;

/*
 * One allocation, named without its address: freed by it without any lookup.  0 names none.  A
 * handle is spent by the free; a stale one is detected.
 */
typedef uint64_t vmem_handle_t;

/*
 * Flags.  At most one policy; without one the arena's default holds, and that is VMEM_INSTANTFIT
 * unless creation chose another.
 */
enum vmem_flags {
    VMEM_INSTANTFIT = 0x0001, /* [P1] O(1): any hole of a size class whose members all fit */
    VMEM_BESTFIT = 0x0002,    /* [P2] the smallest hole that can serve; ties: the lowest */
    VMEM_FIRSTFIT = 0x0004,   /* [P3] the lowest possible address */
    VMEM_NEXTFIT = 0x0008,    /* [P4] the lowest at or after the arena's cursor, else the lowest */
    VMEM_HIGH = 0x0010,       /* [P5] from the top end */
    VMEM_NOWAIT = 0x0020,     /* never sleep; the default */
    VMEM_WAIT = 0x0040,       /* sleep until it can be met; ENOTSUP in this version */

    /* Creation only. */
    VMEM_NOLOCK = 0x0100,  /* no lock: the caller serialises all calls on this arena */
    VMEM_INDEXED = 0x0200, /* build the address index now, not when it is first needed */
    VMEM_RANDOM = 0x0400   /* hardened: VMEM_INSTANTFIT places at random */
};

/* Which segments: for vmem_size() and vmem_walk(). */
enum vmem_typemask {
    VMEM_ALLOC = 0x1,   /* busy */
    VMEM_FREE = 0x2,    /* free */
    VMEM_MAXFREE = 0x4, /* vmem_size() only, alone: the largest hole */
    VMEM_SPAN = 0x8     /* vmem_walk() only: the spans themselves, each before its segments */
};

/* -------------------------------------------------------------------------------------------------
 * Callbacks
 *
 *   callback   lock held?  calls on this arena?  on another?  may sleep?  may fail?
 *   import     no          no (free: yes)        yes          no          yes
 *   release    no          no                    yes          no          no
 *   reclaim    no          free only             yes          no          -
 *   tags.get   no          no                    yes          no          yes
 *   tags.put   no          no                    yes          no          no
 *   visitor    no          yes                   yes          yes         -
 *   sink       no (1)      yes                   yes          yes         -
 *   fatal hook no          inspect only          yes          yes         may return
 *
 *   (1) vmem_printall() and vmem_whatis() hold the registry's: no arena may be created or destroyed.
 * ---------------------------------------------------------------------------------------------- */

/*
 * What an importing arena asks its source for.  The source answers with a span that either has
 * `size` units and lets an allocation of `size` at its start meet align .. addr_max, or has
 * `size_anywhere` units and may lie wherever it likes.  More units than asked for are welcome.
 * A span is a multiple of `quantum`, and so is its start.
 */
struct vmem_import_request {
    vmem_size_t size;          /* units: the request, rounded to the import quantum */
    vmem_size_t size_anywhere; /* units: enough for any place; 0 = no size is enough (a window) */
    vmem_size_t quantum;       /* units: of the importing arena */
    vmem_size_t align;         /* units, power of two >= quantum */
    vmem_size_t phase;         /* units, < align */
    vmem_size_t nocross;       /* units, power of two; 0 = none */
    vmem_addr_t addr_min;      /* first unit allowed */
    vmem_addr_t addr_max;      /* last unit allowed of a span of `size`, inclusive */
    unsigned flags;            /* VMEM_NOWAIT: do not sleep */
};

/* A non-empty range: size units from start.  It never reaches beyond VMEM_ADDR_MAX. */
struct vmem_range {
    vmem_addr_t start; /* first unit */
    vmem_size_t size;  /* units, > 0 */
};

/*
 * Obtain a span that nobody uses: no unit of it was given before and has not come back.
 * Returns   0 and *span, or the errno value that says why not
 */
typedef int vmem_import_fn(
    void *arg, const struct vmem_import_request *request, struct vmem_range *span);

/* Give back a span that the import function returned, exactly as it was. */
typedef void vmem_release_fn(void *arg, vmem_addr_t start, vmem_size_t size);

/* Free something, if possible: an allocation of `size` units is about to fail. */
typedef void vmem_reclaim_fn(void *arg, struct vmem_arena *arena, vmem_size_t size, unsigned flags);

/*
 * Where metadata lives.  `get` returns `bytes` bytes of zeroed memory aligned to 64, or NULL; `put`
 * takes back what `get` returned.  Sizes are powers of two from 8192 up.
 */
struct vmem_tag_source {
    void *(*get)(void *arg, size_t bytes);
    void (*put)(void *arg, void *memory, size_t bytes);
    void *arg;
};

/* Receives text, `length` bytes, no terminator.  A line may come in several pieces. */
typedef void vmem_sink_fn(void *arg, const char *text, size_t length);

/* -------------------------------------------------------------------------------------------------
 * Creating and destroying
 * ---------------------------------------------------------------------------------------------- */

/* Storage for an arena in the caller's memory; usable before any allocator exists. */
#define VMEM_STORAGE_BYTES 2048
#define VMEM_STORAGE_ALIGN 64
struct vmem_storage {
#ifdef __cplusplus
    alignas(VMEM_STORAGE_ALIGN) unsigned char bytes[VMEM_STORAGE_BYTES];
#else
    _Alignas(VMEM_STORAGE_ALIGN) unsigned char bytes[VMEM_STORAGE_BYTES];
#endif
};

/*
 * Bytes of tag memory (options.tag_memory, vmem_add_tags) that are enough for `allocations` live
 * allocations in an arena whose largest span has at most 2^`quanta_log2` quanta, without an address
 * index.  A test holds this bound.
 */
#define VMEM_TAG_MEMORY_BYTES(allocations, quanta_log2) \
    ((size_t)(allocations)*152 + ((size_t)(quanta_log2) + 1) * 1024 + 8192)

/* Everything that creation can say.  Zero-initialise, then set what matters; quantum must be set. */
struct vmem_options {
    const char *name;       /* copied, truncated to VMEM_NAME_BYTES - 1 bytes; NULL = "" */
    vmem_addr_t base;       /* units: first static span; ignored if size is 0 */
    vmem_size_t size;       /* units; 0 = start empty */
    vmem_size_t quantum;    /* units, power of two */
    vmem_size_t qcache_max; /* units: largest size to cache; accepted, no effect in this version */
    unsigned flags;         /* as vmem_create() */
    vmem_size_t limit;      /* units: ceiling on what the arena owns; 0 = none */
    struct vmem_arena *source_arena; /* import from this arena; NULL = none */
    vmem_import_fn *import_fn;       /* or from this function; NULL = none */
    vmem_release_fn *release_fn;     /* of import_fn; NULL = spans are never given back */
    void *source_arg;                /* of both */
    vmem_size_t import_quantum;      /* units: imports are multiples of it; 0 = the quantum */
    unsigned import_keep;            /* wholly free imported spans to keep; 0 = release at once */
    vmem_reclaim_fn *reclaim_fn;     /* NULL = none */
    void *reclaim_arg;
    struct vmem_tag_source tags; /* get NULL = pages from the port */
    void *tag_memory;            /* used first; stays the caller's; NULL = none */
    size_t tag_memory_bytes;
    bool tag_memory_only;      /* never ask a tag source for more */
    unsigned quarantine_frees; /* hardened: a freed range rests for so many frees; 0 = none, or
                                  1024 if quarantine_ns is not 0 */
    uint64_t quarantine_ns;    /* hardened: or for so long, whichever ends first; 0 = by frees
                                  alone */
    uint64_t random_seed;      /* for VMEM_RANDOM; 0 = from the port */
};

/*
 * Create an arena. [S1]
 *
 *   name        copied, truncated to VMEM_NAME_BYTES - 1 bytes; NULL = ""
 *   base, size  units: a first static span; size 0 = the arena starts empty
 *   quantum     units, power of two >= 1
 *   qcache_max  units: largest size for the quantum caches; accepted, no effect in this version
 *   flags       default policy, VMEM_NOLOCK, VMEM_INDEXED, VMEM_RANDOM; VMEM_NOWAIT, which says
 *               nothing new
 *
 * Returns   0; EINVAL quantum not a power of two, span unaligned, flags unknown or contradictory
 *           (VMEM_HIGH is no default; VMEM_WAIT with VMEM_NOWAIT or VMEM_NOLOCK); ENOTSUP VMEM_WAIT
 *           alone; ENOSPC the span would end beyond VMEM_ADDR_MAX; ENOMEM no memory; EBUSY called
 *           where the registry's lock is held, and the fatal hook returned
 * Locks     takes the registry lock; may call the tag source
 * Cost      O(1)
 * Source    [BA01 4.2]
 */
VMEM_API VMEM_MUST_USE int vmem_create(const char *name, vmem_addr_t base, vmem_size_t size,
    vmem_size_t quantum, vmem_size_t qcache_max, unsigned flags, struct vmem_arena **arena);

/*
 * The same, said with names.
 *
 * Returns   as vmem_create(); EINVAL also: both kinds of source, a source that vmem_set_import() or
 *           vmem_import_from() would refuse, tag_memory that vmem_add_tags() would refuse, or one
 *           of tags.get and tags.put without the other; ENOSPC also: size exceeds limit
 */
VMEM_API VMEM_MUST_USE int vmem_create_with(
    const struct vmem_options *options, struct vmem_arena **arena);

/*
 * Create an arena in the caller's storage, which must outlive it and is never freed. [S2]
 *
 * Returns   as vmem_create(); *arena is the storage.  ENOMEM also: no tag memory was given in
 *           options.tag_memory and the port has no pages
 */
VMEM_API VMEM_MUST_USE int vmem_init(struct vmem_storage *storage, const char *name,
    vmem_addr_t base, vmem_size_t size, vmem_size_t quantum, vmem_size_t qcache_max, unsigned flags,
    struct vmem_arena **arena);
VMEM_API VMEM_MUST_USE int vmem_init_with(
    struct vmem_storage *storage, const struct vmem_options *options, struct vmem_arena **arena);

/*
 * Destroy an arena: give every imported span back, free all tags. [S3]  Arenas that import from it
 * have no source from then on.
 *
 * Returns   0; EBUSY if something is allocated, or on re-entry, and the fatal hook returned: nothing
 *           is destroyed
 * Misuse    live allocations: VMEM_FAULT_DESTROY_BUSY with their count, units and first ranges
 * Locks     takes the registry lock; calls release and tags.put
 * Cost      O(segments)
 */
VMEM_API int vmem_destroy(struct vmem_arena *arena);

/* -------------------------------------------------------------------------------------------------
 * What an arena owns
 * ---------------------------------------------------------------------------------------------- */

/*
 * Add a static span. [S4]  It merges with static spans that it touches.
 *
 *   start, size  units, multiples of the quantum, size > 0
 *   flags        0 or VMEM_NOWAIT
 *
 * Returns   0; EINVAL unaligned, size 0 or bad flags; EEXIST overlaps any span; ENOSPC it would end
 *           beyond VMEM_ADDR_MAX, or lift the total beyond that or the limit; ENOMEM no tags; EBUSY
 *           re-entered, and the fatal hook returned
 * Cost      O(log spans)
 */
VMEM_API VMEM_MUST_USE int vmem_add(
    struct vmem_arena *arena, vmem_addr_t start, vmem_size_t size, unsigned flags);

/*
 * Set the source of spans. [S5]  Both functions NULL takes the source away.
 *
 *   import_fn       obtains a span
 *   release_fn      gives a wholly free one back; NULL = nothing is given back
 *   import_quantum  units, multiple of the quantum; 0 = the quantum
 *
 * Returns   0; EBUSY the arena owns spans or is importing one, or it was re-entered and the fatal
 *           hook returned; EINVAL import_quantum, or release without import
 * Cost      O(1)
 */
VMEM_API VMEM_MUST_USE int vmem_set_import(struct vmem_arena *arena, vmem_import_fn *import_fn,
    vmem_release_fn *release_fn, void *arg, vmem_size_t import_quantum);

/*
 * Import from another arena, to any depth. [I6]  NULL takes the source away.
 *
 * Returns   as vmem_set_import(); EINVAL also: the source would be fed by this arena, or has no lock
 *           while this arena has one
 */
VMEM_API VMEM_MUST_USE int vmem_import_from(
    struct vmem_arena *arena, struct vmem_arena *source, vmem_size_t import_quantum);

/* Keep up to `spans` wholly free imported spans instead of releasing them; more go back now. [I4] */
VMEM_API void vmem_set_import_keep(struct vmem_arena *arena, unsigned spans);

/*
 * Set the ceiling, in units, on what the arena may own; 0 = none. [S6]  Holds for imports and adds.
 * A ceiling below the present total is accepted: only growth fails.
 */
VMEM_API void vmem_set_limit(struct vmem_arena *arena, vmem_size_t limit);

/* Set the callback that is asked to free something before an allocation fails. [S7] */
VMEM_API void vmem_set_reclaim(struct vmem_arena *arena, vmem_reclaim_fn *reclaim_fn, void *arg);

/*
 * Give the arena memory for its metadata: aligned to 64, at least 1 KiB, the caller's until the
 * arena is destroyed. [T2]
 *
 * Returns   0; EINVAL unaligned or too small; EBUSY re-entered, and the fatal hook returned
 */
VMEM_API VMEM_MUST_USE int vmem_add_tags(struct vmem_arena *arena, void *memory, size_t bytes);

/* -------------------------------------------------------------------------------------------------
 * Allocating and freeing
 * ---------------------------------------------------------------------------------------------- */

/* Where an allocation may be placed.  Zero-initialised means "anywhere". */
struct vmem_constraint {
    vmem_size_t align;    /* units, power of two, multiple of the quantum; 0 = the quantum [C1] */
    vmem_size_t phase;    /* units, < align, multiple of the quantum: start % align == phase */
    vmem_size_t nocross;  /* units, power of two >= size: lies in one block of it; 0 = any [C2] */
    vmem_addr_t addr_min; /* first unit allowed [C3] */
    vmem_addr_t addr_max; /* last unit allowed, inclusive; 0 = VMEM_ADDR_MAX (vmem_xalloc() can
                             say the one window that ends at address 0) */
};

/*
 * Allocate `size` units anywhere. [S8]
 *
 *   size   units, > 0; rounded up to the quantum
 *   flags  a policy or none, VMEM_HIGH, VMEM_NOWAIT
 *   addr   receives the first unit; 0 is an ordinary address
 *
 * Returns   0; EINVAL size 0 or bad flags; ENOMEM no place, or no memory for tags: the counters of
 *           vmem_stats() tell which, and vmem_explain() as far as it can without asking a source;
 *           ENOTSUP VMEM_WAIT (EINVAL on an arena without a lock); EBUSY re-entered,
 *           and the fatal hook returned
 * Locks     takes the arena lock; may call tags.get, import and reclaim
 * Cost      O(1) instant fit while a larger class has a hole, else O(log holes)
 * Source    [BA01 4.4]
 */
VMEM_API VMEM_MUST_USE int vmem_alloc(
    struct vmem_arena *arena, vmem_size_t size, unsigned flags, vmem_addr_t *addr);

/*
 * Free what vmem_alloc() or vmem_xalloc() returned. [S9]
 *
 *   size   units: as requested, or rounded
 *
 * Misuse    VMEM_FAULT_BAD_FREE nothing is allocated there, VMEM_FAULT_WRONG_SIZE; the arena is
 *           unchanged.  Detected in every build.
 * Locks     takes the arena lock; may call release and tags.put
 * Cost      O(1) expected; O(log holes) with an address index
 */
VMEM_API void vmem_free(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size);

/*
 * Allocate under constraints. [S10]  Never from a cache.
 *
 *   align, phase, nocross  as in struct vmem_constraint
 *   addr_min, addr_max     units, both inclusive: addr_min <= addr, last <= addr_max
 *
 * Returns   as vmem_alloc(); EINVAL also: align or nocross no power of two, align no multiple of
 *           the quantum, phase >= align or unaligned, nocross < size, addr_min > addr_max, a phase
 *           that no address can combine with nocross.  A request that is valid but that no address
 *           can meet is ENOMEM.
 * Cost      align, phase, nocross alone: O(1) while a hole of size + align exists; a window, or
 *           VMEM_FIRSTFIT, VMEM_NEXTFIT: O(log holes) a candidate.  The first such request builds
 *           the address index, O(segments) once.
 * Source    [BA01 4.2]
 */
VMEM_API VMEM_MUST_USE int vmem_xalloc(struct vmem_arena *arena, vmem_size_t size,
    vmem_size_t align, vmem_size_t phase, vmem_size_t nocross, vmem_addr_t addr_min,
    vmem_addr_t addr_max, unsigned flags, vmem_addr_t *addr);

/* The same, said with names; constraint NULL = anywhere. */
VMEM_API VMEM_MUST_USE int vmem_xalloc_with(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, vmem_addr_t *addr);

/* Free what vmem_xalloc() or vmem_alloc() returned. [S11]  As vmem_free(). */
VMEM_API void vmem_xfree(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size);

/*
 * Allocate and name the allocation by a handle.  It is freed by its handle alone, without a lookup;
 * vmem_free() of its address is misuse.
 *
 * Returns   as vmem_xalloc_with()
 */
VMEM_API VMEM_MUST_USE int vmem_alloc_handle(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, vmem_addr_t *addr,
    vmem_handle_t *handle);

/* Free by handle.  Misuse: VMEM_FAULT_BAD_HANDLE, stale, of another arena, or never one. O(1). */
VMEM_API void vmem_free_handle(struct vmem_arena *arena, vmem_handle_t handle);

/*
 * The range that a live handle names.  Returns 0; EINVAL it names none; EBUSY re-entered, and the
 * fatal hook returned.
 */
VMEM_API VMEM_MUST_USE int vmem_handle_range(
    struct vmem_arena *arena, vmem_handle_t handle, struct vmem_range *range);

/* Return everything that rests in caches or in quarantine to the arena. [Q3] */
VMEM_API void vmem_drain(struct vmem_arena *arena);

/*
 * Do pending metadata work now: finish growing, shrink tables, return spare memory.
 * Nothing depends on it. [L2]
 */
VMEM_API void vmem_maintain(struct vmem_arena *arena);

/* -------------------------------------------------------------------------------------------------
 * Looking at an arena
 * ---------------------------------------------------------------------------------------------- */

/*
 * Round a size up to the quantum. [S12]
 *
 * Returns   0; EINVAL size 0; ENOMEM the rounded size exceeds VMEM_SIZE_MAX
 */
VMEM_API VMEM_MUST_USE int vmem_roundup_size(
    const struct vmem_arena *arena, vmem_size_t size, vmem_size_t *rounded);

/*
 * Units that are busy (VMEM_ALLOC), free (VMEM_FREE), both, or in the largest hole (VMEM_MAXFREE,
 * alone). [S13]  Exact.  What rests in caches or in quarantine counts as free.  0 for other masks.
 * Cost      O(1); VMEM_MAXFREE O(holes of the top class) without an address index, and O(segments)
 *           while something rests in quarantine
 */
VMEM_API vmem_size_t vmem_size(struct vmem_arena *arena, unsigned typemask);

VMEM_API const char *vmem_name(const struct vmem_arena *arena);
VMEM_API vmem_size_t vmem_quantum(const struct vmem_arena *arena);

/* True if the arena owns every unit of the range. */
VMEM_API bool vmem_contains(struct vmem_arena *arena, vmem_addr_t addr, vmem_size_t size);

enum vmem_state {
    VMEM_STATE_OUTSIDE, /* the arena does not own the unit */
    VMEM_STATE_FREE,
    VMEM_STATE_BUSY
};

/* What a unit is.  O(log n) with an address index, which this builds if memory allows. */
VMEM_API enum vmem_state vmem_state(struct vmem_arena *arena, vmem_addr_t addr);

struct vmem_segment {
    vmem_addr_t start; /* first unit */
    vmem_size_t size;  /* units */
    unsigned type;     /* VMEM_ALLOC, VMEM_FREE or VMEM_SPAN */
    bool imported;     /* of a span: it goes back to its source when it is wholly free */
};

/* Return false to end the walk. */
typedef bool vmem_visitor_fn(void *arg, const struct vmem_segment *segment);

/*
 * Visit segments in address order, without the lock: the visitor may call anything, and the arena
 * may change meanwhile.  No unit is visited twice; one that changes during the walk may be missed.
 *
 *   typemask  any of VMEM_ALLOC, VMEM_FREE, VMEM_SPAN
 */
VMEM_API void vmem_walk(
    struct vmem_arena *arena, unsigned typemask, vmem_visitor_fn *visitor, void *arg);

/*
 * Visit all arenas, with the registry's lock held.  The visitor must not create or destroy one: that
 * is VMEM_FAULT_REENTRY.  It may walk again.
 */
typedef bool vmem_arena_visitor_fn(void *arg, struct vmem_arena *arena);
VMEM_API void vmem_walk_arenas(vmem_arena_visitor_fn *visitor, void *arg);

/* The arena that this one imports from, or NULL. */
VMEM_API struct vmem_arena *vmem_source(struct vmem_arena *arena);

/* Why a request fails. */
enum vmem_reason {
    VMEM_REASON_NONE,      /* it does not fail */
    VMEM_REASON_ARGUMENTS, /* EINVAL: the request contradicts itself or the quantum; ENOTSUP:
                              VMEM_WAIT; EBUSY, of vmem_explain() alone: re-entered */
    VMEM_REASON_ROUNDING,  /* the size cannot be rounded to the quantum */
    VMEM_REASON_SPACE,     /* fewer units are free than asked for */
    VMEM_REASON_FRAGMENTS, /* enough units are free, but no hole is large enough */
    VMEM_REASON_WINDOW,    /* large enough holes lie outside addr_min .. addr_max */
    VMEM_REASON_ALIGNMENT, /* large enough holes in the window are only misaligned or cross */
    VMEM_REASON_LIMIT,     /* the source was not asked: the limit forbids to grow */
    VMEM_REASON_IMPORT,    /* the source refused, or what it gave did not help */
    VMEM_REASON_TAGS,      /* no memory for tags */
    VMEM_REASON_COUNT
};

/* Short text of a reason, as used in print-outs: "no hole is large enough". */
VMEM_API const char *vmem_reason_text(enum vmem_reason reason);

/* What vmem_explain() found out. */
struct vmem_explanation {
    enum vmem_reason reason;
    int status;                   /* what the request returns now, without a source's help */
    vmem_size_t size_rounded;     /* units; 0 if it cannot be rounded */
    vmem_size_t free_size;        /* units free in all */
    vmem_size_t largest_hole;     /* units */
    vmem_size_t largest_possible; /* units: largest size that the same constraints allow now */
    uint64_t holes;               /* in all */
    uint64_t holes_large_enough;  /* of at least the rounded size */
    uint64_t holes_in_window;     /* large enough even when clipped to the window */
    uint64_t holes_fitting;       /* with a legal place */
};

/*
 * Say why a request would fail now, and what would not.  Changes nothing and asks no source: whether
 * a source of spans or tags would help it cannot know.  VMEM_REASON_TAGS it says only of an arena
 * that has no source of tags.
 * Re-entered, and the fatal hook returned: reason VMEM_REASON_ARGUMENTS, status EBUSY, no figures.
 * Cost      O(segments)
 */
VMEM_API void vmem_explain(struct vmem_arena *arena, vmem_size_t size,
    const struct vmem_constraint *constraint, unsigned flags, struct vmem_explanation *explanation);

/* Counters since creation, and gauges.  Units are units of the resource unless named bytes. */
struct vmem_stats {
    vmem_size_t quantum;
    vmem_size_t limit;         /* 0 = none */
    vmem_size_t total_size;    /* owned */
    vmem_size_t inuse_size;    /* busy */
    vmem_size_t inuse_peak;    /* highest inuse_size so far */
    vmem_size_t imported_size; /* of total_size */
    uint64_t allocs;           /* successful */
    uint64_t frees;
    uint64_t fails[VMEM_REASON_COUNT]; /* refused requests by reason; FRAGMENTS means that some
                                          hole was too small, WINDOW that constraints excluded
                                          all: vmem_explain() splits these further */
    uint64_t imports;                  /* spans obtained */
    uint64_t imports_refused;          /* the source said no, or gave an unusable span */
    uint64_t imports_returned;         /* obtained, but no longer needed */
    uint64_t releases;                 /* spans given back */
    uint64_t reclaims;                 /* calls of the reclaim function */
    uint64_t waits;                    /* requests that slept */
    uint64_t searches;                 /* requests that the size classes alone could not answer */
    uint64_t scans;                    /* of these, answered by a scan for want of index memory */
    uint64_t drains;                   /* of caches and quarantine */
    uint64_t spans;                    /* gauge */
    uint64_t busy_segments;            /* gauge: live allocations */
    uint64_t holes;                    /* gauge */
    uint64_t quarantined;              /* gauge: segments in quarantine */
    size_t metadata_bytes; /* gauge: memory obtained for metadata, the arena itself included */
    bool is_indexed;       /* gauge: the address index is complete */
};
VMEM_API void vmem_stats(struct vmem_arena *arena, struct vmem_stats *stats);

/* The kernel debugger's commands, as functions that write text to a sink. [S14]  No allocation. */
VMEM_API void vmem_print(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMEM_API void vmem_printall(vmem_sink_fn *sink, void *arg);
VMEM_API void vmem_summary(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMEM_API void vmem_dump(struct vmem_arena *arena, vmem_sink_fn *sink, void *arg);
VMEM_API void vmem_whatis(vmem_addr_t addr, vmem_sink_fn *sink, void *arg);

/* The first invariant that does not hold. */
struct vmem_violation {
    const char
        *invariant;   /* "I4: two holes never touch": the number and sentence of docs/DESIGN.md */
    vmem_addr_t addr; /* where */
    uint64_t found;   /* the offending value, if one */
};

/* Check every invariant. [S15]  Returns true if all hold, else false and *violation.  O(n log n). */
VMEM_API VMEM_MUST_USE bool vmem_check(struct vmem_arena *arena, struct vmem_violation *violation);

/* -------------------------------------------------------------------------------------------------
 * Misuse
 * ---------------------------------------------------------------------------------------------- */

enum vmem_fault_code {
    VMEM_FAULT_BAD_FREE = 1, /* nothing is allocated at that address (double free included) */
    VMEM_FAULT_WRONG_SIZE,   /* something is, of another size */
    VMEM_FAULT_BAD_HANDLE,   /* no live allocation has this handle */
    VMEM_FAULT_HANDLE_ONLY,  /* allocated with a handle, freed by address (BAD_FREE where it takes
                                too long to tell) */
    VMEM_FAULT_DESTROY_BUSY, /* destroyed with live allocations */
    VMEM_FAULT_REENTRY,      /* the calling thread is in a call on this arena, see below */
    VMEM_FAULT_BAD_IMPORT,   /* the source gave a span that overlaps, is unaligned or too small */
    VMEM_FAULT_CORRUPT,      /* the arena's own metadata is broken */
    VMEM_FAULT_CODE_END
};

/*
 * Re-entry is a call on an arena whose lock the calling thread holds: from a signal handler, or, with
 * VMEM_NOLOCK, from calls that nobody serialised.  Creating or destroying an arena where the registry's
 * lock is held is reported under the same code: from a visitor of vmem_walk_arenas(), or a sink of
 * vmem_printall() or vmem_whatis().
 * Not detected, because no lock is held: an import, release, reclaim or tags function that makes a call
 * on its own arena which the table of callbacks forbids.  An import function that allocates from its
 * own arena is called again, endlessly.
 */
#define VMEM_FAULT_RANGES 4

struct vmem_fault {
    enum vmem_fault_code code;
    const char *arena;       /* name */
    vmem_addr_t addr;        /* units: as given by the caller; BAD_HANDLE: the handle */
    vmem_size_t size;        /* units: as given */
    vmem_addr_t found_start; /* units: what was found there, or nearest */
    vmem_size_t found_size;  /* units: 0 = nothing */
    uint64_t count;          /* DESTROY_BUSY: live allocations */
    struct vmem_range live[VMEM_FAULT_RANGES]; /* DESTROY_BUSY: the first of them; size 0 = none */
    const char *text; /* one line: "vmem: BAD_FREE arena=kva addr=0x.. size=0x..: ..." */
};

/*
 * Called on misuse, without any lock.  If it returns, the offending call did nothing and the arena
 * is as it was.  The default prints fault->text and aborts.
 */
typedef void vmem_fatal_fn(void *arg, const struct vmem_fault *fault);

/* Install a hook for the whole process; NULL = the default.  Not to be raced with calls. */
VMEM_API void vmem_set_fatal_hook(vmem_fatal_fn *hook, void *arg);

#ifdef __cplusplus
}
#endif
#endif
