#include "check/tally.h"

#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"
#include "core/alloc.h"

const char *const s3p_aspect_name[S3P_ASPECT_COUNT] = {"object", "tags", "versions"};

const char *const s3p_reason_name[S3P_WHY_COUNT] = {
    [S3P_WHY_CONSTANT_BODY] = "constant-body",
    [S3P_WHY_MULTI_DELIVERY] = "multi-delivery",
    [S3P_WHY_ALTERED] = "altered-on-the-way",
    [S3P_WHY_FOREIGN_WRITER] = "foreign-writer",
    [S3P_WHY_FOREIGN_RUN] = "foreign-run",
    [S3P_WHY_VERSIONS] = "versions",
    [S3P_WHY_COPY] = "copy",
    [S3P_WHY_MULTIPART] = "multipart",
    [S3P_WHY_NO_IDENTITY] = "no-identity",
    [S3P_WHY_NEGATIVES] = "negatives",
    [S3P_WHY_ETAG_UNRESOLVED] = "etag-unresolved",
    [S3P_WHY_ETAG_MD5] = "etag-md5",
    [S3P_WHY_LIST_NEGATIVES] = "list-negatives",
    [S3P_WHY_SEARCH_GAVE_UP] = "search-gave-up",
    [S3P_WHY_TAGS] = "tags",
};

int s3p_tally_init(struct s3p_tally *t, uint32_t spaces, uint32_t keep, struct s3p_err *err)
{
    memset(t, 0, sizeof *t);
    t->spaces = spaces + 1;
    t->keep = keep;
    t->space = s3p_calloc(t->spaces, sizeof *t->space);
    return t->space != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "evidence of %u key spaces", spaces);
}

void s3p_tally_free(struct s3p_tally *t)
{
    s3p_free(t->space);
    s3p_free(t->hit);
    memset(t, 0, sizeof *t);
}

void s3p_tally_unit(struct s3p_tally *t)
{
    memset(t->kept, 0, sizeof t->kept);
}

static int keep(struct s3p_tally *t, const struct s3p_hit *h, struct s3p_err *err)
{
    if (t->nhit == t->cap) {
        size_t cap = t->cap == 0 ? 64 : t->cap * 2;
        struct s3p_hit *p = s3p_realloc(t->hit, cap * sizeof *p);
        if (p == NULL)
            return s3p_fail(err, S3P_ENOMEM, 0, "%zu violations", cap);
        t->hit = p;
        t->cap = cap;
    }
    t->hit[t->nhit++] = *h;
    return 0;
}

int s3p_tally_hit(struct s3p_tally *t, const struct s3p_hit *h, struct s3p_err *err)
{
    static const char *const level[] = {"K1", "K2", "body", "etag"};
    if (S3P_RULE_DROPPED(h->rule))
        return 0;
    t->by_rule[h->rule]++;
    for (size_t i = 0; i < sizeof level / sizeof *level && h->aspect == S3P_ASPECT_OBJECT; i++)
        t->object_hits += strcmp(s3p_rule_table[h->rule].level, level[i]) == 0;
    if (t->kept[h->rule] == t->keep)
        return 0;
    t->kept[h->rule]++;
    return keep(t, h, err);
}

void s3p_tally_skip(struct s3p_tally *t, enum s3p_reason why, uint64_t keys, uint64_t attempts)
{
    t->keys_of[why] += keys;
    t->attempts_of[why] += attempts;
}

static bool window_before(const struct s3p_window *a, const struct s3p_window *b)
{
    if (a->from != b->from)
        return a->from < b->from;
    return a->place != b->place ? a->place < b->place : a->key_index < b->key_index;
}

static void keep_window(struct s3p_tally *t, const struct s3p_window *w)
{
    uint32_t at = t->nunknown;
    if (at == S3P_WINDOWS_KEPT && !window_before(w, &t->unknown[--at]))
        return;
    for (; at > 0 && window_before(w, &t->unknown[at - 1]); at--)
        t->unknown[at] = t->unknown[at - 1];
    t->unknown[at] = *w;
    t->nunknown += t->nunknown < S3P_WINDOWS_KEPT;
}

void s3p_tally_unknown(struct s3p_tally *t, const struct s3p_window *w)
{
    t->unknown_windows += w->count;
    keep_window(t, w);
}

static void keep_oldest(struct s3p_tally *t, const struct s3p_oldest_read *o)
{
    const struct s3p_oldest_read *is = &t->oldest;
    if (o->any && (!is->any || o->late_ns > is->late_ns ||
                   (o->late_ns == is->late_ns && o->record < is->record)))
        t->oldest = *o;
}

void s3p_tally_grade(struct s3p_tally *t, const struct s3p_grade *g, uint32_t hits,
                     const struct s3p_oldest_read *oldest)
{
    s3p_grade_add(&t->grade, g);
    t->graded_hits += hits;
    keep_oldest(t, oldest);
}

void s3p_tally_ungraded(struct s3p_tally *t, uint32_t hits)
{
    t->grade.ungraded_keys++;
    t->graded_hits += hits;
}

void s3p_evidence_sum_add(struct s3p_evidence_sum *a, const struct s3p_evidence_sum *b)
{
    a->acked_writes += b->acked_writes;
    a->reads += b->reads;
    a->cas_commits += b->cas_commits;
    a->unknown += b->unknown;
    a->mutations += b->mutations;
    a->overlapping += b->overlapping;
    a->max_in_flight = a->max_in_flight > b->max_in_flight ? a->max_in_flight : b->max_in_flight;
}

int s3p_tally_merge(struct s3p_tally *into, const struct s3p_tally *from, struct s3p_err *err)
{
    for (int r = 0; r < S3P_RULE_COUNT; r++)
        into->by_rule[r] += from->by_rule[r];
    for (int w = 0; w < S3P_WHY_COUNT; w++)
        s3p_tally_skip(into, (enum s3p_reason)w, from->keys_of[w], from->attempts_of[w]);
    into->keys += from->keys;
    into->keys_checked += from->keys_checked;
    into->versions_checked += from->versions_checked;
    into->windows += from->windows;
    into->unknown_windows += from->unknown_windows;
    for (uint32_t i = 0; i < from->nunknown; i++)
        keep_window(into, &from->unknown[i]);
    into->pages += from->pages;
    into->page_entries += from->page_entries;
    if (from->list_lag_ns > into->list_lag_ns)
        into->list_lag_ns = from->list_lag_ns;
    s3p_tally_grade(into, &from->grade, 0, &from->oldest);
    into->graded_hits += from->graded_hits;
    into->object_hits += from->object_hits;
    for (uint32_t i = 0; i < into->spaces; i++)
        s3p_evidence_sum_add(&into->space[i], &from->space[i]);
    for (size_t i = 0; i < from->nhit; i++)
        S3P_TRY(keep(into, &from->hit[i], err));
    return 0;
}

static int by_place(const struct s3p_hit *a, const struct s3p_hit *b)
{
    int c = memcmp(&a->rule, &b->rule, 1);
    for (int i = 0; i < S3P_HIT_RECORDS && c == 0; i++)
        c = (a->record[i] > b->record[i]) - (a->record[i] < b->record[i]);
    if (c == 0)
        c = (a->place > b->place) - (a->place < b->place);
    return c != 0 ? c : (a->key_index > b->key_index) - (a->key_index < b->key_index);
}

static int compare_place(const void *a, const void *b)
{
    return by_place(a, b);
}

static int compare_rank(const void *va, const void *vb)
{
    const struct s3p_hit *a = va, *b = vb;
    int c = (a->rank > b->rank) - (a->rank < b->rank);
    if (c == 0)
        c = (a->record[0] > b->record[0]) - (a->record[0] < b->record[0]);
    return c != 0 ? c : by_place(a, b);
}

void s3p_tally_sort(struct s3p_tally *t)
{
    if (t->nhit == 0)
        return;
    qsort(t->hit, t->nhit, sizeof *t->hit, compare_place);
    for (size_t i = 0; i < t->nhit; i++)
        t->hit[i].rank = i > 0 && t->hit[i - 1].rule == t->hit[i].rule ? t->hit[i - 1].rank + 1 : 0;
    qsort(t->hit, t->nhit, sizeof *t->hit, compare_rank);
}
