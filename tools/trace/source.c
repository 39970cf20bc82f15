/*
 * source - the bytes of a file, plain or compressed by gzip.  SPDX-License-Identifier: BSD-2-Clause
 *
 * The first two bytes decide: 1f 8b is gzip, all else is plain text.  A gzip file may have several
 * members one after the other and zero bytes as padding behind the last; anything else behind it,
 * a bad check sum, and an end in the middle of a member are errors.  zlib's gzread() would pass
 * over some of these, so inflate() is driven here.
 */
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GZIP_MAGIC_0 0x1f
#define GZIP_MAGIC_1 0x8b
#define INFLATE_GZIP_ONLY (15 + 16) /* largest window; a gzip header is required */

/* Compressions that are not read, by their first bytes. */
static const struct {
    unsigned char magic[4];
    size_t magic_bytes;
    const char *name;
    const char *remedy;
} foreign[] = {
    { { 0x28, 0xb5, 0x2f, 0xfd }, 4, "zstd", "zstd -dc FILE | vmem replay -" },
    { { 0xfd, '7', 'z', 'X' }, 4, "xz", "xz -dc FILE | vmem replay -" },
    { { 'B', 'Z', 'h', 0 }, 3, "bzip2", "bzip2 -dc FILE | vmem replay -" },
};

bool
vmem_source_open(struct vmem_source *source, const char *path)
{
    memset(source, 0, offsetof(struct vmem_source, raw));
    source->is_owned = strcmp(path, "-") != 0;
    source->fd = source->is_owned ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (source->fd < 0) {
        (void)snprintf(source->error, sizeof(source->error), "cannot open it: %s", strerror(errno));
        return false;
    }
    return true;
}

/* Append what the file has next to raw.  False on an error; the end of the file is no error. */
static bool
refill(struct vmem_source *source)
{
    if (source->raw_at == source->raw_end) {
        source->raw_at = 0;
        source->raw_end = 0;
    }
    const size_t room_bytes = sizeof(source->raw) - source->raw_end;
    ssize_t got;
    do {
        got = read(source->fd, source->raw + source->raw_end, room_bytes);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        (void)snprintf(source->error, sizeof(source->error), "cannot read it: %s", strerror(errno));
        return false;
    }
    source->is_at_eof = got == 0;
    source->raw_bytes += (uint64_t)got;
    source->raw_end += (size_t)got;
    return true;
}

static bool
begin(struct vmem_source *source)
{
    source->is_started = true;
    while (source->raw_end < 4 && !source->is_at_eof) {
        if (!refill(source)) {
            return false;
        }
    }
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        if (source->raw_end >= foreign[i].magic_bytes &&
            memcmp(source->raw, foreign[i].magic, foreign[i].magic_bytes) == 0) {
            (void)snprintf(source->error, sizeof(source->error),
                "this is compressed by %s, and only gzip is understood: try %s", foreign[i].name,
                foreign[i].remedy);
            return false;
        }
    }
    source->is_gzip =
        source->raw_end >= 2 && source->raw[0] == GZIP_MAGIC_0 && source->raw[1] == GZIP_MAGIC_1;
    if (source->is_gzip && inflateInit2(&source->inflater, INFLATE_GZIP_ONLY) != Z_OK) {
        source->is_gzip = false;
        (void)snprintf(source->error, sizeof(source->error), "no memory for decompression");
        return false;
    }
    return true;
}

static size_t
read_plain(struct vmem_source *source, char *text, size_t bytes)
{
    if (source->raw_at == source->raw_end && !source->is_at_eof && !refill(source)) {
        return 0;
    }
    const size_t left_bytes = source->raw_end - source->raw_at;
    const size_t take_bytes = bytes < left_bytes ? bytes : left_bytes;
    memcpy(text, source->raw + source->raw_at, take_bytes);
    source->raw_at += take_bytes;
    return take_bytes;
}

/* Look at what follows a member: another one, padding, or garbage.  False on garbage. */
static bool
begin_next_member(struct vmem_source *source)
{
    const uint64_t offset_bytes = source->raw_bytes - (source->raw_end - source->raw_at);
    if (source->raw[source->raw_at] == 0) {
        source->is_padded = true;
        source->raw_at++;
        return true;
    }
    if (source->is_padded || source->raw[source->raw_at] != GZIP_MAGIC_0) {
        (void)snprintf(source->error, sizeof(source->error),
            "garbage follows the gzip data, at byte %llu of the file",
            (unsigned long long)offset_bytes);
        return false;
    }
    source->is_between = false;
    return inflateReset(&source->inflater) == Z_OK;
}

/* Run inflate() once over what is in raw.  Returns the text bytes made. */
static size_t
inflate_some(struct vmem_source *source, char *text, size_t bytes)
{
    z_stream *inflater = &source->inflater;
    inflater->next_in = source->raw + source->raw_at;
    inflater->avail_in = (uInt)(source->raw_end - source->raw_at);
    inflater->next_out = (unsigned char *)text;
    inflater->avail_out = (uInt)bytes;
    const int status = inflate(inflater, Z_NO_FLUSH);
    source->raw_at = source->raw_end - inflater->avail_in;
    source->is_between = status == Z_STREAM_END;
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
        const uint64_t offset_bytes = source->raw_bytes - (source->raw_end - source->raw_at);
        (void)snprintf(source->error, sizeof(source->error),
            "the gzip data is damaged near byte %llu of the file: %s",
            (unsigned long long)offset_bytes,
            inflater->msg == NULL ? "no reason given" : inflater->msg);
    }
    return bytes - inflater->avail_out;
}

static size_t
read_gzip(struct vmem_source *source, char *text, size_t bytes)
{
    for (;;) {
        if (source->raw_at == source->raw_end && !source->is_at_eof && !refill(source)) {
            return 0;
        }
        if (source->is_between && source->raw_at == source->raw_end) {
            return 0;
        }
        if (source->is_between) {
            if (!begin_next_member(source)) {
                return 0;
            }
            continue;
        }
        /* At the end of the file inflate() may still hold text back, so it runs without input. */
        const size_t made_bytes = inflate_some(source, text, bytes);
        if (made_bytes > 0) {
            return made_bytes;
        }
        if (source->error[0] != '\0') {
            return 0;
        }
        if (source->is_at_eof && !source->is_between) {
            (void)snprintf(source->error, sizeof(source->error),
                "the gzip data ends early, after %llu bytes of the file: it is truncated",
                (unsigned long long)source->raw_bytes);
            return 0;
        }
    }
}

size_t
vmem_source_read(struct vmem_source *source, char *text, size_t bytes)
{
    if (source->error[0] != '\0' || (!source->is_started && !begin(source))) {
        return 0;
    }
    const size_t got_bytes =
        source->is_gzip ? read_gzip(source, text, bytes) : read_plain(source, text, bytes);
    source->text_bytes += got_bytes;
    return got_bytes;
}

void
vmem_source_close(struct vmem_source *source)
{
    if (source->is_gzip) {
        inflateEnd(&source->inflater);
        source->is_gzip = false;
    }
    if (source->is_owned && source->fd >= 0) {
        close(source->fd);
    }
    source->fd = -1;
}
