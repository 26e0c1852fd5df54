#include "check/walks.h"

#include <string.h>

#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

void s3p_walks_free(struct s3p_walks *w)
{
    s3p_free(w->walk);
    s3p_free(w->enabled);
    s3p_free(w->changed);
    s3p_free(w->touched);
    s3p_free(w->gone);
    s3p_free(w->kept);
    memset(w, 0, sizeof *w);
}

/* The value of an argument of a page; {NULL, 0} without. Only what needs no decoding is used: a
 * prefix with a '%' is as good as unknown. */
static struct s3p_str argument(struct s3p_str args, const char *name)
{
    size_t len = strlen(name);
    for (const char *p = args.p, *end = args.p + args.len; args.len != 0 && p < end;) {
        const char *stop = memchr(p, '&', (size_t)(end - p));
        stop = stop != NULL ? stop : end;
        if ((size_t)(stop - p) > len && memcmp(p, name, len) == 0 && p[len] == '=')
            return (struct s3p_str){p + len + 1, (size_t)(stop - p) - len - 1};
        p = stop + 1;
    }
    return (struct s3p_str){NULL, 0};
}

static struct s3p_walk *open_walk(struct s3p_walks *w, uint32_t client, uint16_t bucket)
{
    for (uint32_t k = w->n; k-- > 0;)
        if (w->walk[k].open && S3P_ON(WALKS_CLIENT_ANY, w->walk[k].client == client) &&
            S3P_ON(WALKS_BUCKET_ANY, w->walk[k].bucket == bucket))
            return &w->walk[k];
    return NULL;
}

static int begin_walk(struct s3p_walks *w, struct s3p_walk **out, struct s3p_err *err)
{
    if (w->n == w->cap) {
        uint32_t cap = w->cap == 0 ? 64 : w->cap * 2;
        struct s3p_walk *p = s3p_realloc(w->walk, cap * sizeof *p);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%u walks through versions", cap);
        w->walk = p;
        w->cap = cap;
    }
    *out = &w->walk[w->n++];
    return 0;
}

/* Does the page begin where the one before it ended? */
static bool goes_on(const struct s3p_walk *w, struct s3p_str args)
{
    return S3P_ON(WALKS_KEY_OFF, s3p_str_same(argument(args, "key-marker"),
                                               argument(w->next, "key-marker"))) &&
           S3P_ON(WALKS_ID_OFF, s3p_str_same(argument(args, "version-id-marker"),
                                              argument(w->next, "version-id-marker"))) &&
           S3P_ON(WALKS_PREFIX_OFF, s3p_str_same(argument(args, "prefix"), w->prefix)) &&
           S3P_ON(WALKS_DELIMITER_LATER, argument(args, "delimiter").p == NULL);
}

static int add_page(struct s3p_walks *w, const struct s3p_segment_view *s, uint32_t i,
                    struct s3p_err *err)
{
    struct s3p_str args = s3p_segment_text(s, COL(s, uint32_t, list_args)[i]);
    uint32_t client = COL(s, uint32_t, client)[i], record = (uint32_t)(s->first_record + i);
    uint16_t bucket = COL(s, uint16_t, bucket)[i];
    bool first = argument(args, "key-marker").p == NULL,
         ok = S3P_ON(WALKS_REFUSED, COL(s, uint8_t, outcome)[i] == S3P_OK_OUTCOME) &&
              S3P_ON(WALKS_ALTERED, (COL(s, uint8_t, flags)[i] & S3P_FLAG_ALTERED) == 0);
    struct s3p_walk *at = open_walk(w, client, bucket);
    if (at != NULL && (!ok || !goes_on(at, args)))
        at->open = false;
    if (!ok || (first && S3P_OFF(WALKS_DELIMITER_OFF, argument(args, "delimiter").p != NULL)))
        return 0;
    if (first) {
        S3P_TRY(begin_walk(w, &at, err));
        *at = (struct s3p_walk){.begin = COL(s, int64_t, t_call)[i],
                                .client = client,
                                .bucket = bucket,
                                .first = record,
                                .prefix = argument(args, "prefix"),
                                .open = true};
    }
    if (at == NULL || !at->open)
        return 0;
    at->end = COL(s, int64_t, t_return)[i];
    at->last = record;
    at->next = s3p_segment_text(s, COL(s, uint32_t, list_next)[i]);
    at->open = (COL(s, uint8_t, flags)[i] & S3P_FLAG_TRUNCATED) != 0;
    bool plain = at->prefix.len == 0 || memchr(at->prefix.p, '%', at->prefix.len) == NULL;
    at->complete = S3P_ON(WALKS_OPEN, !at->open) && S3P_ON(WALKS_ENCODED, plain);
    return 0;
}

static void note_versioning(struct s3p_walks *w, const struct s3p_segment_view *s, uint32_t i)
{
    struct s3p_str status =
        argument(s3p_segment_text(s, COL(s, uint32_t, list_args)[i]), "status");
    uint16_t bucket = COL(s, uint16_t, bucket)[i];
    int64_t call = COL(s, int64_t, t_call)[i], end = COL(s, int64_t, t_return)[i];
    uint8_t outcome = COL(s, uint8_t, outcome)[i];
    bool set = S3P_ON(STATE_REFUSED, outcome != S3P_FAILED);
    w->kept[bucket] |= S3P_OFF(STATE_KEPT_OFF, set);
    if (set && S3P_MUT(S3P_MUT_STATE_TOUCHED_LAST, call < w->touched[bucket], true))
        w->touched[bucket] = call;
    if (s3p_str_eq(status, "Enabled")) {
        if (S3P_ON(STATE_ENABLED_UNKNOWN, outcome == S3P_OK_OUTCOME) &&
            S3P_MUT(S3P_MUT_STATE_ENABLED_LAST, end < w->enabled[bucket], true))
            w->enabled[bucket] = end;
    } else if (set && S3P_MUT(S3P_MUT_STATE_CHANGED_LAST, call < w->changed[bucket], true)) {
        w->changed[bucket] = call;
    }
}

/* A bucket that is made again keeps no versions, and has none of the uploads before. */
static void note_deletion(struct s3p_walks *w, const struct s3p_segment_view *s, uint32_t i)
{
    enum { TOUCHED = S3P_FLAG_MULTI_DELIVERY | S3P_FLAG_ALTERED };
    int64_t call = COL(s, int64_t, t_call)[i];
    uint16_t bucket = COL(s, uint16_t, bucket)[i];
    if (COL(s, uint8_t, outcome)[i] == S3P_FAILED && (COL(s, uint8_t, flags)[i] & TOUCHED) == 0)
        return;
    w->gone[bucket] = call < w->gone[bucket] ? call : w->gone[bucket];
    w->changed[bucket] = call < w->changed[bucket] ? call : w->changed[bucket];
}

/* Only what keeps versions, or did, tells ids. */
static void note_ids(struct s3p_walks *w, const struct s3p_segment_view *s)
{
    const uint16_t *bucket = COL(s, uint16_t, bucket);
    const uint32_t *id = COL(s, uint32_t, version_id);
    for (uint32_t i = 0; i < s->records && (s->texts & S3P_BIT(S3P_COL_version_id)) != 0; i++)
        if (S3P_OFF(STATE_IDS_OFF, id[i] != 0))
            w->kept[bucket[i]] = true;
}

int s3p_walks_build(struct s3p_walks *w, const struct s3p_histfile *f, const struct s3p_head *h,
                    struct s3p_err *err)
{
    static const uint64_t wanted = S3P_BIT(S3P_OP_LIST_VERSIONS) | S3P_BIT(S3P_OP_PUT_VERSIONING) |
                                   S3P_BIT(S3P_OP_DELETE_BUCKET);
    memset(w, 0, sizeof *w);
    w->enabled = s3p_alloc((h->buckets + 1) * sizeof *w->enabled);
    w->changed = s3p_alloc((h->buckets + 1) * sizeof *w->changed);
    w->touched = s3p_alloc((h->buckets + 1) * sizeof *w->touched);
    w->gone = s3p_alloc((h->buckets + 1) * sizeof *w->gone);
    w->kept = s3p_calloc(h->buckets + 1, sizeof *w->kept);
    if (w->enabled == NULL || w->changed == NULL || w->touched == NULL || w->gone == NULL ||
        w->kept == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "states of %u buckets", h->buckets);
    for (uint32_t b = 0; b <= h->buckets; b++)
        w->enabled[b] = w->changed[b] = w->touched[b] = w->gone[b] = INT64_MAX;
    for (uint32_t k = 0; k < s3p_histfile_segments(f); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(f, k);
        note_ids(w, s);
        for (uint32_t i = 0; i < s->records && (s->ops & wanted) != 0; i++) {
            uint8_t op = COL(s, uint8_t, op)[i];
            if (op == S3P_OP_LIST_VERSIONS)
                S3P_TRY(add_page(w, s, i, err));
            else if (op == S3P_OP_PUT_VERSIONING)
                note_versioning(w, s, i);
            else if (op == S3P_OP_DELETE_BUCKET)
                note_deletion(w, s, i);
        }
    }
    return 0;
}
