#include "server/parts_body.h"

#include <errno.h>
#include <unistd.h>

#include "core/alloc.h"

struct segment {
    uint64_t begin, bytes, offset; /* in the answer; of it; in the file */
    int fd;
};

struct s3p_srv_parts_body {
    uint32_t n, at; /* segments, the one that was read last */
    struct segment segments[];
};

/* Opens what the range [first, end) touches of the file that holds [begin, begin + size). */
static int add_segment(struct s3p_srv_parts_body *b, const struct s3p_srv_store *s, uint64_t begin,
                       const struct s3p_srv_part *p, uint64_t first, uint64_t end)
{
    uint64_t from = begin > first ? begin : first;
    uint64_t to = begin + p->size < end ? begin + p->size : end;
    if (from >= to)
        return 0;
    int fd = s3p_srv_body_open(s, p->body_id);
    if (fd < 0)
        return errno;
    b->segments[b->n++] = (struct segment){from - first, to - from, from - begin, fd};
    return 0;
}

static int open_segments(struct s3p_srv_parts_body *b, const struct s3p_srv_store *s,
                         const struct s3p_srv_record *r, uint64_t first, uint64_t bytes)
{
    struct s3p_srv_part whole = {.body_id = r->body_id, .size = r->size};
    uint64_t begin = 0, end = first + bytes;
    int rc = 0;
    if (r->n_parts == 0)
        return add_segment(b, s, 0, &whole, first, end);
    for (uint32_t i = 0; rc == 0 && i < r->n_parts && begin < end; i++) {
        struct s3p_srv_part p = s3p_srv_part_at(r->parts, i);
        rc = add_segment(b, s, begin, &p, first, end);
        begin += p.size;
    }
    return rc;
}

int s3p_srv_parts_open(struct s3p_srv_parts_body **out, const struct s3p_srv_store *s,
                       const struct s3p_srv_record *r, uint64_t first, uint64_t bytes)
{
    struct s3p_srv_parts_body *b = s3p_alloc(sizeof *b + (r->n_parts + 1) * sizeof b->segments[0]);
    if (b == NULL)
        return ENOMEM;
    b->n = b->at = 0;
    int rc = open_segments(b, s, r, first, bytes);
    if (rc != 0) {
        s3p_srv_parts_close(b);
        return rc;
    }
    *out = b;
    return 0;
}

ssize_t s3p_srv_parts_read(struct s3p_srv_parts_body *b, uint64_t at, char *buf, size_t max)
{
    if (b->at < b->n && at < b->segments[b->at].begin)
        b->at = 0;
    while (b->at < b->n && at >= b->segments[b->at].begin + b->segments[b->at].bytes)
        b->at++;
    if (b->at == b->n)
        return 0;
    const struct segment *g = &b->segments[b->at];
    uint64_t inside = at - g->begin, left = g->bytes - inside;
    ssize_t n;
    do
        n = pread(g->fd, buf, left < max ? left : max, (off_t)(g->offset + inside));
    while (n < 0 && errno == EINTR);
    return n > 0 ? n : -1; /* a file that ends early is damaged */
}

void s3p_srv_parts_close(struct s3p_srv_parts_body *b)
{
    if (b == NULL)
        return;
    for (uint32_t i = 0; i < b->n; i++)
        close(b->segments[i].fd);
    s3p_free(b);
}
