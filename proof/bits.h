/*
 * bits.h - theorems on bits, for the proofs.                       SPDX-License-Identifier: BSD-2-Clause
 *
 * The provers behind Frama-C think in integers, of which & | ^ and >> are functions that they know little
 * about.  So what the proofs need of them is stated here, as axioms to WP, and proved by others:
 * scripts/prove translates each of these sentences into bit vectors of 72 bits (enough for every sum
 * that occurs in them, which is checked), takes all 64 powers of two for each n of which is_pow2(n) is
 * supposed, and every value of each bounded integer, and has z3 and CVC4 look for a counterexample.
 *
 * The words in which they speak.  WP knows of them only what the axioms say; a line that begins with
 * "//:" is what they mean, and what the sentences are proved with.
 *
 *   is_pow2(n)      n is 2^k for some 0 <= k < 64
 *   is_log2(r, x)   r is the place of the highest one bit of x
 *   is_table_size(shift, mask)   a hash table has mask + 1 = 2^(32 - shift) buckets, 8 to 2^28
 *   selected(c, a, b)   a or b
 *   has_bit(w, i)   bit i of w is one
 *   class_floor(c)  the smallest number of quanta in the size class c (src/structures/sizeclass.h)
 */
#ifndef VMEM_PROOF_BITS_H
#define VMEM_PROOF_BITS_H

#include <stdint.h>

/*@ axiomatic PowersOfTwo {
    predicate is_pow2(integer n) reads \nothing;

    axiom pow2_range: \forall uint64_t n; is_pow2(n) ==> 1 <= n <= 0x8000000000000000;
    axiom pow2_one: is_pow2(1);
    axiom pow2_test: \forall uint64_t n; is_pow2(n) <==> n > 0 && (n & (n - 1)) == 0;

    // Remainders.  (The name of a mask decides where it stands in the provers' & and |: hence two.)
    axiom mask: \forall uint64_t n, x, m; is_pow2(n) && m == n - 1 ==> (x & m) == x % n;
    axiom mask_z: \forall uint64_t n, x, z; is_pow2(n) && z == n - 1 ==> (x & z) == x % n;
    axiom mod_range: \forall uint64_t n, x; is_pow2(n) ==> 0 <= x % n < n;
    axiom mod_small: \forall uint64_t n, x; is_pow2(n) && x < n ==> x % n == x;
    }
 */

// What only some files need; scripts/prove says which.  For the others it would be more to search in.
#ifdef VMP_DISTANCES
/*@ axiomatic Distances {
    // The distance to the next place of a phase, and from the one before.
    axiom gap_up: \forall uint64_t n, x, phase; is_pow2(n) && phase < n ==>
        (x + (uint64_t)(phase - x) % n) % n == phase;
    axiom gap_up_least: \forall uint64_t n, x, y; is_pow2(n) && x <= y ==>
        x + (uint64_t)(y % n - x) % n <= y;
    axiom gap_down: \forall uint64_t n, x, phase, y;
        is_pow2(n) && phase < n && y == x - (uint64_t)(x - phase) % n ==> y % n == phase;
    axiom gap_down_greatest: \forall uint64_t n, x, y; is_pow2(n) && y <= x ==>
        y + (uint64_t)(x - y % n) % n <= x;

    }
 */
#endif

#ifdef VMP_BLOCKS
/*@ axiomatic Blocks {
    // Blocks of n units; that of x begins at x - x % n.
    axiom block_first: \forall uint64_t n, x, y; is_pow2(n) && y == x - x % n ==> y % n == 0;
    axiom block_next: \forall uint64_t n, x, y; is_pow2(n) && y == x - x % n + n ==> y % n == 0;
    axiom block_last: \forall uint64_t n, x, m; is_pow2(n) && m == n - 1 ==>
        (x | m) == x - x % n + m;
    axiom block_last_z: \forall uint64_t n, x, z; is_pow2(n) && z == n - 1 ==>
        (x | z) == x - x % n + z;
    axiom block_room: \forall uint64_t n, x; is_pow2(n) ==>
        x - x % n + (n - 1) <= 0xffffffffffffffff;
    axiom block_same: \forall uint64_t n, x, y; is_pow2(n) && x <= y ==>
        (y <= x - x % n + (n - 1) <==> x - x % n == y - y % n);
    axiom block_crossed: \forall uint64_t n, x, y; is_pow2(n) ==>
        ((x ^ y) >= n <==> x - x % n != y - y % n);
    axiom block_inside: \forall uint64_t n, x, y; is_pow2(n) && x % n == 0 && x <= y < x + n ==>
        y % n == y - x;
    axiom nested: \forall uint64_t a, n, x, y;
        is_pow2(a) && is_pow2(n) && a <= n && x % n == y % n ==> x % a == y % a;
    axiom nested_first: \forall uint64_t a, n, x;
        is_pow2(a) && is_pow2(n) && a <= n && x % n == 0 ==> x % a == 0;
    }
 */
#endif

/*@ axiomatic Logarithms {
    predicate is_log2(integer r, integer x) reads \nothing;
    //: is_log2(r, x) := (1 << r) <= x && x < (2 << r)

    axiom log2_range: \forall integer r, uint64_t x; 0 <= r < 64 && is_log2(r, x) ==> x > 0;

    // With 31: the place that class_of() begins with.
    axiom log2_least: \forall uint64_t q, integer r; 0 <= r < 64 && is_log2(r, q | 31) ==> 4 <= r;
    axiom log2_bits: \forall uint64_t q; 31 <= (q | 31) <= 0xffffffffffffffff;
    axiom log2_shift: \forall integer s; 0 <= s < 64 ==> s << 4 == 16 * s;
    axiom log2_top: \forall uint64_t q, integer r, integer s;
        4 <= r < 64 && 0 <= s < 60 && r == s + 4 && is_log2(r, q | 31) ==> 0 <= q >> s < 32;
    }
 */

/*@ axiomatic SingleBits {
    predicate has_bit(integer w, integer i) reads \nothing;
    //: has_bit(w, i) := ((w >> i) & 1) == 1

    axiom bit_none: \forall integer i; 0 <= i < 64 ==> !has_bit(0, i);
    axiom bits_from: \forall uint64_t w, integer k, integer i; 0 <= k < 64 && 0 <= i < 64 ==>
        (has_bit(w & (uint64_t)(0xffffffffffffffff << k), i) <==> has_bit(w, i) && i >= k);
    axiom bits_above: \forall uint64_t w, integer k, integer i; 0 <= k < 64 && 0 <= i < 64 ==>
        (has_bit(w & (uint64_t)(0xfffffffffffffffe << k), i) <==> has_bit(w, i) && i > k);
    axiom bit_set: \forall uint64_t w, integer k, integer i; 0 <= k < 64 && 0 <= i < 64 ==>
        (has_bit(w | (uint64_t)(1 << k), i) <==> has_bit(w, i) || i == k);
    axiom bit_clear: \forall uint64_t w, integer c, integer k, integer i;
        0 <= c < 2 && 0 <= k < 64 && 0 <= i < 64 ==>
        (has_bit(w & (uint64_t)(~(c << k)), i) <==> has_bit(w, i) && !(c == 1 && i == k));
    }
 */

/*@ axiomatic Selection {
    logic integer selected(integer c, integer a, integer b) reads \nothing;
    //: selected(c, a, b) := c == 1 ? a : b

    axiom select_a: \forall uint32_t a, b; selected(1, a, b) == a;
    axiom select_b: \forall uint32_t a, b; selected(0, a, b) == b;
    axiom select_by_mask: \forall uint32_t c, x, y; c == 0 || c == 1 ==>
        (uint32_t)(x ^ ((uint32_t)(x ^ y) & (uint32_t)(-c))) == selected(c, y, x);
    }
 */

/*@ axiomatic Fields {
    axiom field_join: \forall uint32_t k, p; k < 4 && p < 0x40000000 ==>
        ((uint32_t)(k << 30) | p) == k * 0x40000000 + p;
    axiom field_low: \forall uint32_t w; (w & 0x3fffffff) == w % 0x40000000;
    axiom field_high: \forall uint32_t w; (w >> 30) == w / 0x40000000 && (w >> 30) < 4;
    axiom field_index: \forall uint32_t w; (w & 0x7fffffff) == w % 0x80000000;
    }
 */

/*@ axiomatic HashTables {
    predicate is_table_size(integer shift, integer mask) reads \nothing;
    //: is_table_size(shift, mask) := 4 <= shift && shift < 30 && mask == (1 << (32 - shift)) - 1

    axiom table_home: \forall uint32_t h, mask, integer shift;
        0 <= shift < 32 && is_table_size(shift, mask) ==> 0 <= h >> shift <= mask;
    axiom table_range: \forall uint32_t mask, integer shift; 0 <= shift < 32 &&
        is_table_size(shift, mask) ==> 7 <= mask <= 0xfffffff && 4 <= shift <= 29;
    axiom table_log2: \forall uint64_t n, integer r; 0 <= r < 64 && is_log2(r, n) &&
        8 <= n <= 0x10000000 ==> 3 <= r <= 28;
    axiom table_steps: \forall uint32_t mask, integer shift, integer r; 0 <= shift < 32 && 0 <= r < 64 &&
        is_table_size(shift, mask) && is_log2(r, mask + 1) ==>
        (r < 28 ==> mask <= 0x7ffffff) && (mask < 0xfffffff ==> r < 28) &&
        (3 < r ==> 15 <= mask && mask % 2 == 1);
    axiom table_made: \forall uint64_t n, integer r; 0 <= r < 64 && is_log2(r, n) &&
        is_pow2(n) && 8 <= n <= 0x10000000 ==> 3 <= r <= 28 && is_table_size(32 - r, n - 1);
    }
 */

/*@ axiomatic SizeClasses {
    logic integer class_floor(integer c) reads \nothing;
    //: class_floor(c) := c < 32 ? c : (16 + (c - 32) % 16) << (1 + (c - 32) / 16)

    axiom class_exact: \forall integer c; 0 <= c < 32 ==> class_floor(c) == c;
    axiom class_formula: \forall integer c; 32 <= c < 976 ==>
        class_floor(c) == (16 + (c - 32) % 16) << (1 + (c - 32) / 16);
    axiom class_fits: \forall integer c; 0 <= c < 976 ==> 0 <= class_floor(c) <= 0xffffffffffffffff;
    axiom class_order: \forall integer c, integer d; 0 <= c < 976 && 0 <= d < 976 && c < d ==>
        class_floor(c) < class_floor(d);
    axiom class_found: \forall uint64_t q, integer r, integer s, integer t;
        4 <= r < 64 && 0 <= s < 60 && r == s + 4 && 0 <= t < 32 &&
        is_log2(r, q | 31) && t == q >> s ==>
        0 <= t + 16 * s < 976 && class_floor(t + 16 * s) <= q &&
        (t + 16 * s + 1 < 976 ==> q < class_floor(t + 16 * s + 1));
    }
 */

#endif
