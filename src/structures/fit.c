/*
 * fit - where in a hole a request may lie.                         SPDX-License-Identifier: BSD-2-Clause
 *
 * 1. What it is for
 *    Align, phase, nocross and the window turn "is the hole large enough?" into arithmetic that every
 *    allocator of this kind has got wrong near 2^64.  It is kept here, alone and pure, so that it can
 *    be tested exhaustively and proved.
 *
 * 2. How it works
 *    The legal starts are phase, phase + align, phase + 2 align, ... except those whose range would
 *    cross a multiple of nocross.  Clip the hole to the window, take the first aligned address; if it
 *    crosses, one step past the boundary is enough: the boundary is a multiple of align, so the
 *    next start is boundary + phase, and phase + size <= nocross keeps it inside the next block.
 *    Example: align 16, phase 4, nocross 32, size 24, hole from 20: 20 crosses 32; the next is 36.
 *    With align > nocross every legal start has the same place in its block, so nothing crosses.
 *
 * 3. Theorems (tested exhaustively by test/unit/test_fit.c; the first two also proved, by scripts/prove)
 *    FT1  what fit_lowest returns is legal and inside, and no lower address is.
 *    FT2  what fit_highest returns is legal and inside, and no higher address is.
 *    FT3  a quantum-aligned hole of fit_sufficient() units has a legal place.
 *
 * 4. Costs: O(1).  5. Locking and failure: pure.
 *
 * 6. Where it comes from
 *    The constraints are those of [BA01 4.2]; the fault it must not have is F1.
 */
#include "structures/fit.h"

/* Does a range that starts at `at` and has its last unit in another block of `nocross`? */
/*@ requires is_shape(shape) && \valid_read(shape);
    requires at + (shape->size - 1) <= VMEM_ADDR_MAX;
    assigns \nothing;
    ensures \result <==> crosses(at, at + (shape->size - 1), shape->nocross);
 */
static bool
crosses(vmem_addr_t at, const struct vmi_shape *shape)
{
    return shape->nocross != 0 && (at ^ (at + (shape->size - 1))) >= shape->nocross;
}

/*@ requires is_pow2(nocross);
    assigns \nothing;
    ensures \result == at - at % nocross + (nocross - 1);
 */
static vmem_addr_t
block_last_of(vmem_addr_t at, vmem_size_t nocross)
{
    //@ assert nocross - 1 == (vmem_size_t)(nocross - 1);
    return at | (nocross - 1);
}

bool
vmi_fit_lowest(vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at)
{
    const vmem_addr_t low = start > shape->addr_min ? start : shape->addr_min;
    const vmem_addr_t high = last < shape->addr_max ? last : shape->addr_max;
    vmem_addr_t place;

    VMI_ASSERT(shape->size > 0);
    if (low > high || !vmi_align_up(low, shape->align, shape->phase, &place)) {
        return false;
    }
    //@ assert \forall vmem_addr_t a; a < place ==> !may_lie(shape, a, start, last);
    if (place > high || high - place < shape->size - 1) {
        return false;
    }
    if (crosses(place, shape)) {
        //@ assert shape->align <= shape->nocross;
        const vmem_addr_t past = block_last_of(place, shape->nocross) + 1; /* crossing: it exists */
        //@ assert past % shape->nocross == 0;
        //@ assert past % shape->align == 0;
        //@ assert past + (shape->nocross - 1) <= VMEM_ADDR_MAX;
        //@ assert (past + shape->phase) % shape->align == shape->phase;
        //@ assert \forall vmem_addr_t a; place <= a < past ==> !may_lie(shape, a, start, last);
        (void)vmi_align_up(past, shape->align, shape->phase, &place); /* that block is whole */
        //@ assert place == past + shape->phase;
        //@ assert place % shape->nocross == shape->phase;
        //@ assert \forall vmem_addr_t a; a < place ==> !may_lie(shape, a, start, last);
        if (place > high || high - place < shape->size - 1) {
            return false;
        }
    }
    VMI_ASSERT(place >= low && !crosses(place, shape));
    //@ assert legal: may_lie(shape, place, start, last);
    //@ assert first: \forall vmem_addr_t a; a < place ==> !may_lie(shape, a, start, last);
    *at = place;
    //@ assert sound: may_lie(shape, *at, start, last);
    //@ assert least: \forall vmem_addr_t a; a < *at ==> !may_lie(shape, a, start, last);
    return true;
}

bool
vmi_fit_highest(vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_addr_t *at)
{
    const vmem_addr_t low = start > shape->addr_min ? start : shape->addr_min;
    const vmem_addr_t high = last < shape->addr_max ? last : shape->addr_max;
    vmem_addr_t place;

    VMI_ASSERT(shape->size > 0);
    if (low > high || high - low < shape->size - 1) {
        return false;
    }
    if (!vmi_align_down(high - (shape->size - 1), shape->align, shape->phase, &place)) {
        return false;
    }
    if (place < low) {
        return false;
    }
    if (crosses(place, shape)) {
        /* End at the last unit of the block that `place` lies in. */
        const vmem_addr_t block_last = block_last_of(place, shape->nocross);
        //@ assert shape->size - 1 <= block_last < place + (shape->size - 1);
        //@ assert shape->align <= shape->nocross;
        //@ ghost vmem_addr_t block = place - place % shape->nocross;
        //@ assert block_last == block + (shape->nocross - 1);
        //@ assert block % shape->nocross == 0;
        //@ assert block % shape->align == 0;
        //@ assert (block + shape->phase) % shape->align == shape->phase;
        (void)vmi_align_down(/* phase + size <= nocross: the block has a legal start */
            block_last - (shape->size - 1), shape->align, shape->phase, &place);
        //@ assert block + shape->phase <= place;
        //@ assert !crosses(place, place + (shape->size - 1), shape->nocross);
        if (place < low) {
            return false;
        }
        //@ assert place + (shape->size - 1) <= high;
    }
    VMI_ASSERT(high - place >= shape->size - 1 && !crosses(place, shape));
    *at = place;
    return true;
}

vmem_size_t
vmi_fit_sufficient(const struct vmi_shape *shape, vmem_size_t quantum)
{
    vmem_size_t step = shape->align; /* the largest distance between neighbouring legal starts */

    if (shape->nocross > shape->align) {
        /* In each block the starts are phase, phase + align, ..., last; then the next block's. */
        const vmem_size_t room = shape->nocross - shape->size - shape->phase;
        step = shape->nocross - (room & ~(shape->align - 1));
    }
    if (step - quantum > VMEM_SIZE_MAX - shape->size) {
        return 0;
    }
    return shape->size + (step - quantum);
}

/* Units from the first legal start at or after `low` to `high`, not crossing a block's end. */
static vmem_size_t
room_from(vmem_addr_t low, vmem_addr_t high, const struct vmi_shape *shape, vmem_addr_t *block_last)
{
    vmem_addr_t place;
    vmem_addr_t end = high;

    if (!vmi_align_up(low, shape->align, shape->phase, &place) || place > high) {
        *block_last = high;
        return 0;
    }
    if (shape->nocross != 0 && block_last_of(place, shape->nocross) < end) {
        end = block_last_of(place, shape->nocross);
    }
    *block_last = end;
    return vmi_add_saturating(end - place, 1);
}

vmem_size_t
vmi_fit_largest(
    vmem_addr_t start, vmem_addr_t last, const struct vmi_shape *shape, vmem_size_t quantum)
{
    const vmem_addr_t low = start > shape->addr_min ? start : shape->addr_min;
    const vmem_addr_t high = last < shape->addr_max ? last : shape->addr_max;
    vmem_addr_t block_last;
    vmem_size_t most;

    if (low > high) {
        return 0;
    }
    most = room_from(low, high, shape, &block_last);
    if (block_last < high) {
        /* The first block may be cut on its left; the second is whole, or the last one. */
        vmem_addr_t ignored;
        const vmem_size_t second = room_from(block_last + 1, high, shape, &ignored);
        most = second > most ? second : most;
    }
    return most & ~(quantum - 1);
}
