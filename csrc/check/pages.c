#include "check/pages.h"

#include <string.h>

#include "check/bucket_rules.h"
#include "check/mutate.h"
#include "core/alloc.h"
#include "s3/op.h"
#include "s3/outcome.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
enum { WALKS = 8 }; /* that a client may interleave */

static const uint8_t listing_of[S3P_OP_COUNT] = { /* and one, 0: no page */
    [S3P_OP_LIST] = S3P_LIST_OBJECTS + 1,
    [S3P_OP_LIST_V1] = S3P_LIST_OBJECTS + 1,
    [S3P_OP_LIST_VERSIONS] = S3P_LIST_VERSIONS + 1,
    [S3P_OP_LIST_UPLOADS] = S3P_LIST_UPLOADS + 1,
    [S3P_OP_LIST_PARTS] = S3P_LIST_PARTS + 1,
};

static const uint64_t listings = S3P_BIT(S3P_OP_LIST) | S3P_BIT(S3P_OP_LIST_V1) |
                                 S3P_BIT(S3P_OP_LIST_VERSIONS) | S3P_BIT(S3P_OP_LIST_UPLOADS) |
                                 S3P_BIT(S3P_OP_LIST_PARTS);

static int add_page(struct s3p_lists *l, uint32_t segment, uint32_t position, uint8_t kind,
                    struct s3p_err *err)
{
    if (l->n == l->cap) {
        uint32_t cap = l->cap == 0 ? 256 : l->cap * 2;
        void *p = s3p_realloc(l->page, cap * sizeof *l->page);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%u pages", cap);
        l->page = p;
        l->cap = cap;
    }
    l->page[l->n++] = (struct s3p_page){segment, position, S3P_NO_PAGE, kind};
    int64_t call =
        COL(s3p_histfile_segment(l->file, segment), int64_t, t_call)[position];
    if (!l->wanted[kind] || call > l->last_call[kind])
        l->last_call[kind] = call;
    l->wanted[kind] = true;
    return 0;
}

static int find_pages(struct s3p_lists *l, struct s3p_err *err)
{
    for (uint32_t k = 0; k < s3p_histfile_segments(l->file); k++) {
        const struct s3p_segment_view *s = s3p_histfile_segment(l->file, k);
        const uint8_t *op = COL(s, uint8_t, op), *outcome = COL(s, uint8_t, outcome);
        for (uint32_t i = 0; i < s->records && (s->ops & listings) != 0; i++) {
            uint8_t kind = listing_of[op[i]];
            if (kind == 0 || outcome[i] != S3P_OK_OUTCOME)
                continue;
            if (S3P_OFF(WALK_ALTERED_OFF, (COL(s, uint8_t, flags)[i] & S3P_FLAG_ALTERED) != 0)) {
                l->unjudged++;
                continue;
            }
            if (s3p_is_replicated(l->head->rules, COL(s, uint16_t, bucket)[i])) {
                l->unjudged++;
                continue;
            }
            S3P_TRY(add_page(l, k, i, (uint8_t)(kind - 1), err));
        }
    }
    return 0;
}

/* ---- walks ---- */

struct trail { /* the last pages of one client, latest first */
    uint32_t client, page[WALKS];
};

struct trails {
    struct trail *trail; /* open addressing */
    uint64_t mask;
    struct s3p_buf texts;
};

static struct trail *trail_of(struct trails *t, uint32_t client)
{
    uint64_t i = client * UINT64_C(0x9e3779b97f4a7c15) >> 32 & t->mask;
    while (t->trail[i].page[0] != S3P_NO_PAGE && t->trail[i].client != client)
        i = (i + 1) & t->mask;
    t->trail[i].client = client;
    return &t->trail[i];
}

/* Was the page asked for with what `before` gave? */
static int follows(const struct s3p_lists *l, struct trails *t, const struct s3p_page *page,
                   const struct s3p_page *before, const struct s3p_page_args *args, bool *yes,
                   struct s3p_err *err)
{
    const struct s3p_segment_view *s = s3p_histfile_segment(l->file, before->segment);
    const struct s3p_segment_view *own = s3p_histfile_segment(l->file, page->segment);
    uint32_t next = COL(s, uint32_t, list_next)[before->position];
    struct s3p_page_args told, asked;
    *yes = false;
    if (next == 0 || before->kind != page->kind ||
        COL(s, uint16_t, bucket)[before->position] != COL(own, uint16_t, bucket)[page->position])
        return 0;
    S3P_TRY(s3p_page_args(&told, &t->texts, s3p_segment_text(s, next),
                          s->first_record + before->position, err));
    S3P_TRY(s3p_page_args(&asked, &t->texts,
                          s3p_segment_text(s, COL(s, uint32_t, list_args)[before->position]),
                          s->first_record + before->position, err));
    *yes = S3P_ON(WALK_TOKEN_OFF, s3p_str_same(told.token, args->token)) &&
           s3p_str_same(told.id, args->id) &&
           (args->token.len != 0 ||
            (args->start.len != 0 &&
             S3P_ON(WALK_START_OFF, s3p_str_same(told.start, args->start)))) &&
           S3P_ON(WALK_PREFIX_OFF, s3p_str_same(asked.prefix, args->prefix)) &&
           s3p_str_same(asked.delimiter, args->delimiter);
    return 0;
}

static int link_page(struct s3p_lists *l, struct trails *t, uint32_t n, struct s3p_err *err)
{
    struct s3p_page *page = &l->page[n];
    const struct s3p_segment_view *s = s3p_histfile_segment(l->file, page->segment);
    struct trail *trail = trail_of(t, COL(s, uint32_t, client)[page->position]);
    struct s3p_page_args args;
    s3p_buf_clear(&t->texts);
    S3P_TRY(s3p_page_args(&args, &t->texts,
                          s3p_segment_text(s, COL(s, uint32_t, list_args)[page->position]),
                          s->first_record + page->position, err));
    bool asked = args.token.len != 0 || args.start.len != 0;
    for (int i = 0; i < WALKS && asked && trail->page[i] != S3P_NO_PAGE; i++) {
        bool yes;
        S3P_TRY(follows(l, t, page, &l->page[trail->page[i]], &args, &yes, err));
        if (yes) {
            page->before = trail->page[i];
            break;
        }
    }
    memmove(trail->page + 1, trail->page, (WALKS - 1) * sizeof *trail->page);
    trail->page[0] = n;
    return 0;
}

/* A client's pages are in the file in the order of their calls: it has one worker, and waits. */
static int link_pages(struct s3p_lists *l, struct s3p_err *err)
{
    struct trails t = {.mask = 15};
    enum { ARGS_MAX = 1 << 20 };
    while (t.mask < 2 * (uint64_t)l->n)
        t.mask = 2 * t.mask + 1;
    t.trail = s3p_alloc((t.mask + 1) * sizeof *t.trail);
    s3p_buf_init(&t.texts, ARGS_MAX);
    int rc = t.trail != NULL && s3p_buf_reserve(&t.texts, ARGS_MAX) == 0
                 ? 0
                 : s3p_fail(err, S3P_ENOMEM, 0, "walks of %u pages", l->n);
    if (rc == 0)
        memset(t.trail, 0xff, (t.mask + 1) * sizeof *t.trail);
    for (uint32_t i = 0; i < l->n && rc == 0; i++)
        rc = link_page(l, &t, i, err);
    s3p_free(t.trail);
    s3p_buf_free(&t.texts);
    return rc;
}

/* ---- life cycle ---- */

int s3p_lists_init(struct s3p_lists *l, const struct s3p_histfile *f, const struct s3p_head *h,
                   const struct s3p_keymap *m, const struct s3p_walks *walks,
                   struct s3p_err *err)
{
    memset(l, 0, sizeof *l);
    l->file = f;
    l->head = h;
    l->map = m;
    l->walks = walks;
    l->ordered = s3p_calloc((size_t)m->places + 1, sizeof *l->ordered);
    if (l->ordered == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "order of %u places", m->places);
    for (uint32_t p = 0; p < m->places; p++)
        l->ordered[p] = !s3p_head_space_fixed(h, p / m->buckets);
    S3P_TRY(find_pages(l, err));
    return l->n != 0 ? link_pages(l, err) : 0;
}

void s3p_lists_free(struct s3p_lists *l)
{
    for (int k = 0; k < S3P_LISTINGS; k++)
        s3p_members_free(&l->set[k]);
    s3p_free(l->page);
    s3p_free(l->ordered);
    memset(l, 0, sizeof *l);
}

int s3p_lists_settle(struct s3p_lists *l, struct s3p_tally *t, struct s3p_err *err)
{
    struct s3p_names names;
    int rc = 0;
    s3p_names_init(&names, l->head, l->ordered);
    s3p_tally_skip(t, S3P_WHY_LIST_NEGATIVES, 0, l->unjudged);
    for (int k = 0; k < S3P_LISTINGS && rc == 0; k++) {
        if (!l->wanted[k])
            continue;
        if (k != S3P_LIST_OBJECTS)
            rc = s3p_members_collect(&l->set[k], (enum s3p_listing)k, l->file, l->map, l->walks,
                                     err);
        if (rc == 0)
            rc = s3p_members_sort(&l->set[k], (enum s3p_listing)k, &names, err);
        s3p_tally_skip(t, S3P_WHY_LIST_NEGATIVES,
                       s3p_members_undecided(&l->set[k], l->last_call[k]), 0);
    }
    s3p_names_free(&names);
    return rc;
}

uint32_t s3p_lists_units(const struct s3p_lists *l)
{
    return (l->n + S3P_PAGES_A_UNIT - 1) / S3P_PAGES_A_UNIT;
}
