#include "history/arrow_node.h"

#include <string.h>

#include "core/alloc.h"

/* ---- arrays ---- */

struct array_private {
    struct s3p_histfile *file;
    void *owned;
    const void *buffers[3];
};

static void release_leaf(struct ArrowArray *a)
{
    struct array_private *p = a->private_data;
    s3p_histfile_close(p->file);
    s3p_free(p->owned);
    s3p_free(p);
    a->release = NULL;
}

static void release_struct(struct ArrowArray *a)
{
    for (int64_t i = 0; i < a->n_children; i++)
        if (a->children[i]->release != NULL) /* NULL: the consumer moved this child away */
            a->children[i]->release(a->children[i]);
    s3p_free(a->children);
    release_leaf(a);
}

static int fill(struct ArrowArray *a, struct s3p_histfile *f, int64_t length,
                const struct s3p_arrow_column *c)
{
    struct array_private *p = s3p_calloc(1, sizeof *p);
    if (p == NULL) {
        s3p_free(c->owned);
        return S3P_ENOMEM;
    }
    memcpy(p->buffers, c->buffers, sizeof p->buffers);
    p->owned = c->owned;
    p->file = s3p_histfile_hold(f);
    *a = (struct ArrowArray){.length = length,
                             .null_count = c->null_count,
                             .n_buffers = c->nbuffers,
                             .buffers = p->buffers,
                             .release = release_leaf,
                             .private_data = p};
    return 0;
}

int s3p_arrow_struct(struct ArrowArray *out, struct s3p_histfile *f, int64_t length,
                     const struct s3p_arrow_column *columns, int n)
{
    struct s3p_arrow_column self = {.nbuffers = 1};
    size_t pointers = (size_t)n * sizeof(struct ArrowArray *);
    char *block = s3p_calloc(1, pointers + (size_t)n * sizeof(struct ArrowArray));
    memset(out, 0, sizeof *out);
    if (block == NULL || fill(out, f, length, &self) != 0) {
        s3p_free(block);
        for (int i = 0; i < n; i++)
            s3p_free(columns[i].owned);
        return S3P_ENOMEM;
    }
    struct ArrowArray *child = (struct ArrowArray *)(void *)(block + pointers);
    out->children = (struct ArrowArray **)(void *)block;
    out->n_children = n;
    out->release = release_struct;
    for (int i = 0; i < n; i++)
        out->children[i] = &child[i]; /* all linked before one can fail: release walks them */
    int rc = 0;
    for (int i = 0; i < n; i++) {
        if (rc == 0)
            rc = fill(&child[i], f, length, &columns[i]);
        else
            s3p_free(columns[i].owned);
    }
    if (rc != 0)
        out->release(out);
    return rc;
}

/* ---- schemas ---- */

static void release_schema(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++)
        if (s->children[i]->release != NULL)
            s->children[i]->release(s->children[i]);
    s3p_free(s->children);
    s3p_free(s->private_data);
    s->release = NULL;
}

static char *put_text(char *at, struct s3p_str s)
{
    int32_t n = (int32_t)s.len;
    memcpy(at, &n, sizeof n);
    memcpy(at + sizeof n, s.p, s.len);
    return at + sizeof n + s.len;
}

/* Arrow's metadata encoding: int32 pairs, then int32 length and bytes of each key and value. */
static char *encode(const struct s3p_str pairs[4])
{
    size_t bytes = sizeof(int32_t);
    int32_t count = 0;
    for (int i = 0; i < 4 && pairs[i].p != NULL; i += 2, count++)
        bytes += 2 * sizeof(int32_t) + pairs[i].len + pairs[i + 1].len;
    char *blob = s3p_alloc(bytes), *at = blob;
    if (blob == NULL)
        return NULL;
    memcpy(at, &count, sizeof count);
    at += sizeof count;
    for (int i = 0; i < 2 * count; i++)
        at = put_text(at, pairs[i]);
    return blob;
}

static int fill_schema(struct ArrowSchema *s, const struct s3p_arrow_field *f)
{
    char *blob = encode(f->pairs);
    if (blob == NULL)
        return S3P_ENOMEM;
    *s = (struct ArrowSchema){.format = f->format,
                              .name = f->name,
                              .metadata = blob,
                              .flags = f->flags,
                              .release = release_schema,
                              .private_data = blob};
    return 0;
}

int s3p_arrow_schema(struct ArrowSchema *out, const struct s3p_arrow_field *self,
                     const struct s3p_arrow_field *fields, int n)
{
    size_t pointers = (size_t)n * sizeof(struct ArrowSchema *);
    char *block = s3p_calloc(1, pointers + (size_t)n * sizeof(struct ArrowSchema));
    memset(out, 0, sizeof *out);
    if (block == NULL || fill_schema(out, self) != 0) {
        s3p_free(block);
        return S3P_ENOMEM;
    }
    struct ArrowSchema *child = (struct ArrowSchema *)(void *)(block + pointers);
    out->children = (struct ArrowSchema **)(void *)block;
    out->n_children = n;
    for (int i = 0; i < n; i++)
        out->children[i] = &child[i];
    int rc = 0;
    for (int i = 0; rc == 0 && i < n; i++)
        rc = fill_schema(&child[i], &fields[i]);
    if (rc != 0)
        out->release(out);
    return rc;
}
