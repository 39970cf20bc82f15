/*
 * source.h - the bytes of a file, plain or compressed by gzip.        SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef VMEM_TOOLS_SOURCE_H
#define VMEM_TOOLS_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <zlib.h>

#define VMEM_SOURCE_CHUNK_BYTES 65536
#define VMEM_SOURCE_TEXT_BYTES 256

struct vmem_source {
    int fd;
    bool is_owned; /* close fd at the end */
    bool is_at_eof;
    bool is_gzip;
    bool is_started; /* the first bytes have been looked at */
    bool is_between; /* gzip: a member ended, none has begun */
    bool is_padded;  /* gzip: zero bytes follow the last member */
    z_stream inflater;
    uint64_t raw_bytes;                 /* read from the file so far */
    uint64_t text_bytes;                /* handed out so far */
    size_t raw_at;                      /* of raw: next byte */
    size_t raw_end;                     /* of raw: one past the last byte */
    char error[VMEM_SOURCE_TEXT_BYTES]; /* "" = none */
    unsigned char raw[VMEM_SOURCE_CHUNK_BYTES];
};

/*
 * Open a file; "-" is the standard input.
 *
 * Returns   true; false and source->error.  Close it in either case.
 */
bool vmem_source_open(struct vmem_source *source, const char *path);

/*
 * Read up to `bytes` bytes of text.
 *
 * Returns   how many; 0 at the end or on an error, and then source->error is not ""
 */
size_t vmem_source_read(struct vmem_source *source, char *text, size_t bytes);

void vmem_source_close(struct vmem_source *source);

#endif
