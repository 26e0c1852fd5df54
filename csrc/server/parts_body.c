#include "server/parts_body.h"

#include <errno.h>
#include <unistd.h>

#include "core/alloc.h"
#include "server/pins.h"

struct segment {
    uint64_t begin, bytes, offset; /* in the answer; of it; in the file */
    uint64_t body_id;
};

struct s3p_srv_parts_body {
    const struct s3p_srv_store *store;
    struct s3p_srv_pin *pin; /* NULL: one file */
    int fd;                  /* of segment `opened`, -1 without */
    uint32_t n, at, opened;  /* segments, the one that was read last */
    struct segment segments[];
};

/* Notes what the range [first, end) touches of the file that holds [begin, begin + size). */
static void add_segment(struct s3p_srv_parts_body *b, uint64_t begin, const struct s3p_srv_part *p,
                        uint64_t first, uint64_t end)
{
    uint64_t from = begin > first ? begin : first;
    uint64_t to = begin + p->size < end ? begin + p->size : end;
    if (from < to)
        b->segments[b->n++] = (struct segment){from - first, to - from, from - begin, p->body_id};
}

static void add_segments(struct s3p_srv_parts_body *b, const struct s3p_srv_record *r,
                         uint64_t first, uint64_t bytes)
{
    struct s3p_srv_part whole = {.body_id = r->body_id, .size = r->size};
    uint64_t begin = 0, end = first + bytes;
    if (r->n_parts == 0)
        add_segment(b, 0, &whole, first, end);
    for (uint32_t i = 0; i < r->n_parts && begin < end; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(r->parts, i);
        add_segment(b, begin, &p, first, end);
        begin += p.size;
    }
}

static int open_segment(struct s3p_srv_parts_body *b, uint32_t i)
{
    if (b->fd >= 0 && b->opened == i)
        return 0;
    if (b->fd >= 0)
        close(b->fd);
    b->opened = i;
    b->fd = s3p_srv_body_open(b->store, b->segments[i].body_id);
    return b->fd >= 0 ? 0 : errno;
}

/* The first file of the record is the one that goes first: while it stands under the pin, all do.
 */
static int pin(struct s3p_srv_parts_body *b, const struct s3p_srv_record *r)
{
    uint64_t id = 0;
    b->pin = s3p_srv_pin_take(b->store, r->seq);
    for (uint32_t i = 0; id == 0 && i < r->n_parts; i++)
        id = s3p_srv_part_at(r->parts, i).body_id;
    return b->pin != NULL ? s3p_srv_body_look(b->store, id) : ENOMEM;
}

int s3p_srv_parts_open(struct s3p_srv_parts_body **out, const struct s3p_srv_store *s,
                       const struct s3p_srv_record *r, uint64_t first, uint64_t bytes)
{
    struct s3p_srv_parts_body *b = s3p_alloc(sizeof *b + (r->n_parts + 1) * sizeof b->segments[0]);
    if (b == NULL)
        return ENOMEM;
    *b = (struct s3p_srv_parts_body){.store = s, .fd = -1};
    add_segments(b, r, first, bytes);
    int rc = r->n_parts > 0 ? pin(b, r) : 0;
    if (rc == 0 && b->n > 0) /* it has its descriptor from the beginning to the end */
        rc = open_segment(b, 0);
    if (rc != 0) {
        s3p_srv_parts_close(b);
        return rc;
    }
    *out = b;
    return 0;
}

/* From the one segment that `at` is in. */
static ssize_t read_segment(struct s3p_srv_parts_body *b, uint64_t at, char *buf, size_t max)
{
    if (b->at < b->n && at < b->segments[b->at].begin)
        b->at = 0;
    while (b->at < b->n && at >= b->segments[b->at].begin + b->segments[b->at].bytes)
        b->at++;
    if (b->at == b->n)
        return 0;
    if (open_segment(b, b->at) != 0)
        return -1;
    const struct segment *g = &b->segments[b->at];
    uint64_t inside = at - g->begin, left = g->bytes - inside;
    ssize_t n;
    do
        n = pread(b->fd, buf, left < max ? left : max, (off_t)(g->offset + inside));
    while (n < 0 && errno == EINTR);
    return n > 0 ? n : -1; /* a file that ends early is damaged */
}

ssize_t s3p_srv_parts_read(struct s3p_srv_parts_body *b, uint64_t at, char *buf, size_t max)
{
    ssize_t got = 0, n = 1;
    while (n > 0 && (size_t)got < max) {
        n = read_segment(b, at + (uint64_t)got, buf + got, max - (size_t)got);
        got += n > 0 ? n : 0;
    }
    return got > 0 ? got : n;
}

void s3p_srv_parts_close(struct s3p_srv_parts_body *b)
{
    if (b == NULL)
        return;
    if (b->fd >= 0)
        close(b->fd);
    s3p_srv_pin_drop(b->store, b->pin);
    s3p_free(b);
}
