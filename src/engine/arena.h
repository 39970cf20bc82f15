/*
 * arena.h - what an arena is made of, and how it is entered.       SPDX-License-Identifier: BSD-2-Clause
 *
 * Who may touch a field:  (C) constant after creation   (A) with the lock held
 */
#ifndef VMI_ARENA_H
#define VMI_ARENA_H

#include "structures/bins.h"
#include "structures/busy.h"
#include "structures/fit.h"
#include "structures/order.h"

#define VMI_POLICY_MASK ((unsigned)(VMEM_INSTANTFIT | VMEM_BESTFIT | VMEM_FIRSTFIT | VMEM_NEXTFIT))

/* A place in the list of tags that must survive changes of the list; see vmi_cursors_leave(). */
struct vmi_cursor {
    uint32_t tag;            /* the next tag to look at; the root at the end */
    bool is_walk;            /* a visitor's: it goes where the rest of a merged hole is */
    struct vmi_cursor *next; /* of the arena's other cursors */
};

enum vmi_index_state {
    VMI_INDEX_OFF,
    VMI_INDEX_BUILDING, /* holds the holes below its cursor's tag */
    VMI_INDEX_READY
};

/* The holes in order, once somebody needed them: engine/index.h. */
struct vmi_index {
    struct vmi_order order;
    struct vmi_cursor cursor;
    enum vmi_index_state state;
};

/* Memory for metadata: engine/supply.h. */
struct vmi_supply {
    struct vmem_tag_source source; /* (C) get NULL = none */
    struct vmi_blob *blobs;        /* (A) memory that is handed out in pieces */
    struct vmi_piece *pieces;      /* (A) pieces that came back */
    struct vmi_piece *garbage;     /* (A) to be put back to the source when the lock is left */
    size_t bytes;                  /* (A) obtained and not put back */
    bool is_port;                  /* (C) the source is the port's pages */
    bool has_rehearsed;            /* (A) the port was called lately to drop something */
    char *table_window;            /* (C) where tables of the busy index lie; NULL = none */
    size_t old_at;                 /* (A) of an old table there: dropped up to here, */
    size_t old_head;               /* (A) and again, once it is empty, up to here */
    size_t old_bytes;              /* (A) of it that still count as obtained */
};

/* Where spans come from: engine/import.h.  Constant while an import is under way. */
struct vmi_source {
    struct vmem_arena *arena; /* (A) NULL = none */
    vmem_import_fn *import_fn;
    vmem_release_fn *release_fn;
    void *arg;
    vmem_size_t quantum; /* (A) units: imports are multiples of it */
};

/* Freed ranges that rest before reuse: engine/quarantine.h. */
struct vmi_quarantine {
    struct vmi_resting *ring; /* (C) NULL = none */
    uint32_t capacity;        /* (C) */
    uint32_t first;           /* (A) oldest entry */
    uint32_t count;           /* (A) */
    uint64_t rest_ns;         /* (C) 0 = by number of frees only */
    vmem_size_t size;         /* (A) units */
};

struct vmem_arena {
    /* The hot part: what every allocation and free looks at. */
    struct vmi_port_lock lock;
    bool is_unlocked;      /* (C) VMEM_NOLOCK: the caller serialises */
    bool is_entered;       /* (A) a call is in progress; only with is_unlocked */
    bool is_indexed;       /* (A) one of the two indexes is not off */
    bool is_plain;         /* (C) instant fit by default, and not at random */
    bool allocs_plainly;   /* (A) plain, no span is kept, and no table is moving */
    bool gives_back;       /* (A) imported spans are released when wholly free */
    bool frees_plainly;    /* (A) no index, no quarantine, and nothing goes back to a source */
    unsigned quantum_log2; /* (C) */
    vmem_size_t quantum;   /* (C) units, power of two */
    vmem_size_t inuse;     /* (A) units busy, the resting ones not counted */
    vmem_size_t inuse_peak;
    uint64_t allocs;     /* (A) */
    uint64_t frees;      /* (A) */
    uint32_t generation; /* (A) of the last handle */
    uint32_t root;       /* (C) the tag that closes the list */
    struct vmi_busy busy;
    struct vmi_tags tags;
    struct vmi_bins bins;

    size_t bins_bytes; /* (A) of the bins' memory */

    /* What the arena owns. */
    vmem_size_t total;    /* (A) units in spans */
    vmem_size_t imported; /* (A) of these, imported */
    vmem_size_t limit;    /* (A) units; 0 = none */
    uint64_t hole_count;  /* (A) */
    uint64_t changes;     /* (A) times that something was added, or became free not at once */
    struct vmi_slab nodes;
    struct vmi_order spans;      /* (A) by address */
    struct vmi_index by_address; /* (A) */
    struct vmi_index by_size;    /* (A) */
    struct vmi_cursor *cursors;  /* (A) */
    vmem_addr_t next_fit;        /* (A) the cursor of VMEM_NEXTFIT */
    struct vmi_supply supply;
    struct vmi_source source;
    unsigned import_keep;     /* (A) wholly free spans to keep */
    unsigned import_kept;     /* (A) wholly free imported spans there are */
    vmem_size_t import_asked; /* (A) units: being imported just now */
    struct vmi_quarantine quarantine;
    vmem_reclaim_fn *reclaim_fn; /* (A) */
    void *reclaim_arg;
    uint64_t random; /* (A) state of the generator; 0 = placement is not random */

    /* Counters, (A). */
    uint64_t fails[VMEM_REASON_COUNT];
    uint64_t imports;
    uint64_t imports_refused;
    uint64_t imports_returned;
    uint64_t releases;
    uint64_t reclaims;
    uint64_t searches;
    uint64_t scans;
    uint64_t drains;

    unsigned policy;                  /* (C) default */
    vmem_size_t qcache_max;           /* (C) units */
    bool owns_storage;                /* (C) */
    size_t storage_bytes;             /* (C) of the arena itself, if it owns its storage */
    struct vmem_arena *registry_prev; /* (registry lock) */
    struct vmem_arena *registry_next;
    char name[VMEM_NAME_BYTES]; /* (C) */
};

_Static_assert(sizeof(struct vmem_arena) <= VMEM_STORAGE_BYTES, "the published size is enough");
_Static_assert(_Alignof(struct vmem_arena) <= VMEM_STORAGE_ALIGN, "and so is its alignment");

/* To be called after a change of what `allocs_plainly` and `frees_plainly` sum up. */
static inline void
vmi_note_state(struct vmem_arena *arena)
{
    const bool is_moving = vmi_busy_is_moving(&arena->busy);

    arena->allocs_plainly = arena->is_plain && arena->import_kept == 0 && !is_moving;
    arena->frees_plainly =
        !arena->is_indexed && !arena->gives_back && arena->quarantine.ring == NULL && !is_moving;
}

/* So many wholly free imported spans more are kept; or fewer. */
static inline void
vmi_keep_spans(struct vmem_arena *arena, int more)
{
    arena->import_kept += (unsigned)more;
    vmi_note_state(arena);
}

static inline struct vmi_tag *
vmi_tag(const struct vmem_arena *arena, uint32_t index)
{
    return vmi_tag_at(&arena->tags, index);
}

/* Put memory that left the arena back to its source, and leave the lock. */
VMI_LEAVES void vmi_leave_with_garbage(struct vmem_arena *arena);

/* Report that a call came back into an arena that is in a call. */
VMI_OUTSIDE void vmi_report_reentry(const struct vmem_arena *arena);

/* Enter the arena.  False, reported: the caller is in it already. */
VMI_ENTERS_IF_TRUE VMI_LOCK_UNCHECKED static inline bool
vmi_enter(struct vmem_arena *arena)
{
    if (arena->is_unlocked ? VMI_LIKELY(!arena->is_entered)
                           : VMI_LIKELY(vmi_port_lock_enter(&arena->lock))) {
        arena->is_entered = true; /* what it is with a lock is nobody's concern */
        return true;
    }
    vmi_report_reentry(arena);
    return false;
}

/* Leave without a look at the garbage: for a while only. */
VMI_LEAVES VMI_LOCK_UNCHECKED static inline void
vmi_leave_quickly(struct vmem_arena *arena)
{
    if (arena->is_unlocked) {
        arena->is_entered = false;
    } else {
        vmi_port_lock_exit(&arena->lock);
    }
}

VMI_LEAVES static inline void
vmi_leave(struct vmem_arena *arena)
{
    if (VMI_UNLIKELY(arena->supply.garbage != NULL)) {
        vmi_leave_with_garbage(arena);
    } else {
        vmi_leave_quickly(arena);
    }
}

/* Enter again after vmi_leave(): cannot fail, the caller was in before. */
VMI_ENTERS VMI_LOCK_UNCHECKED static inline void
vmi_reenter(struct vmem_arena *arena)
{
    (void)vmi_enter(arena);
}

/*
 * A tag is about to leave the list, and `heir` has its units, or is the next tag.  Move the cursors that
 * stand on it: a walk to the heir, where it clips what it has seen; an index that is being built to
 * the next tag, because an heir below the cursor is in the index already.
 */
static inline void
vmi_cursors_leave(
    struct vmem_arena *arena, uint32_t index, const struct vmi_tag *tag, uint32_t heir)
{
    for (struct vmi_cursor *cursor = arena->cursors; VMI_UNLIKELY(cursor != NULL);
         cursor = cursor->next) {
        if (cursor->tag == index) {
            cursor->tag = cursor->is_walk ? heir : vmi_tag_next(tag);
        }
    }
}

static inline void
vmi_cursor_add(struct vmem_arena *arena, struct vmi_cursor *cursor)
{
    cursor->tag = vmi_tag_next(vmi_tag(arena, arena->root));
    cursor->next = arena->cursors;
    arena->cursors = cursor;
}

static inline void
vmi_cursor_remove(struct vmem_arena *arena, struct vmi_cursor *cursor)
{
    struct vmi_cursor **link = &arena->cursors;

    while (*link != cursor) {
        link = &(*link)->next;
    }
    *link = cursor->next;
}

#endif
