#include "check/members.h"

#include <stdlib.h>
#include <string.h>

#include "core/alloc.h"
#include "core/random.h"

enum { TEXT_MAX = 4096 };

void s3p_names_init(struct s3p_names *n, const struct s3p_head *h, bool *ordered)
{
    n->head = h;
    n->ordered = ordered;
    s3p_buf_init(&n->text[0], TEXT_MAX);
    s3p_buf_init(&n->text[1], TEXT_MAX);
}

void s3p_names_free(struct s3p_names *n)
{
    s3p_buf_free(&n->text[0]);
    s3p_buf_free(&n->text[1]);
}

struct s3p_str s3p_name_text(struct s3p_names *n, int which, uint16_t place, uint64_t index)
{
    struct s3p_buf *b = &n->text[which];
    s3p_buf_clear(b);
    s3p_keynames_text(n->head->names, (uint16_t)(place / n->head->buckets), index, b);
    return (struct s3p_str){b->data, s3p_buf_ok(b) ? b->len : 0};
}

int s3p_str_compare(struct s3p_str a, struct s3p_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n == 0 ? 0 : memcmp(a.p, b.p, n);
    return c != 0 ? c : (a.len > b.len) - (a.len < b.len);
}

uint64_t s3p_id_token(struct s3p_str id)
{
    uint64_t h = id.len;
    for (size_t i = 0; i < id.len; i += 8) {
        uint64_t v = 0;
        memcpy(&v, id.p + i, id.len - i < 8 ? id.len - i : 8);
        h = s3p_mix64(h ^ v);
    }
    return id.len == 0 ? 0 : h != 0 ? h : 1;
}

static void *grow(void *p, uint32_t *cap, uint64_t need, size_t size, struct s3p_err *err)
{
    uint64_t to = *cap == 0 ? 256 : *cap;
    while (to < need)
        to *= 2;
    void *q = to < UINT32_MAX ? s3p_realloc(p, to * size) : NULL;
    if (q == NULL)
        (void)s3p_fail(err, S3P_ENOMEM, 0, "%llu members of listings", (unsigned long long)need);
    else
        *cap = (uint32_t)to;
    return q;
}

static int reserve(struct s3p_members *m, uint64_t members, uint64_t borders, struct s3p_err *err)
{
    if (members > m->cap || m->member == NULL) {
        void *p = grow(m->member, &m->cap, members, sizeof *m->member, err);
        if (p == NULL)
            return S3P_ENOMEM;
        m->member = p;
    }
    if (borders > m->border_cap || m->record == NULL) {
        uint32_t cap = m->border_cap;
        void *p = grow(m->border, &cap, borders, sizeof *m->border, err);
        if (p == NULL)
            return S3P_ENOMEM;
        m->border = p;
        p = grow(m->record, &m->border_cap, borders, sizeof *m->record, err);
        if (p == NULL)
            return S3P_ENOMEM;
        m->record = p;
    }
    return 0;
}

int s3p_members_add(struct s3p_members *m, struct s3p_windows *w, const struct s3p_member *name,
                    const struct s3p_fact *f, uint32_t n, struct s3p_err *err)
{
    S3P_TRY(s3p_windows_make(w, f, n, err));
    const struct s3p_span *gone = w->window + w->there;
    bool fresh = w->gone != 0 && gone->from == INT64_MIN;
    S3P_TRY(reserve(m, (uint64_t)m->n + 1, m->nborders + 2 * ((uint64_t)w->there + w->gone) + 1,
                    err));
    struct s3p_member *to = &m->member[m->n++];
    *to = *name;
    to->first = m->nborders;
    to->there = s3p_borders_pack(w->window, w->there, false, m->border + m->nborders,
                                 m->record + m->nborders);
    m->nborders += to->there;
    to->gone = s3p_borders_pack(gone, w->gone, fresh, m->border + m->nborders,
                                m->record + m->nborders);
    m->nborders += to->gone;
    to->flags |= fresh ? S3P_MEMBER_FRESH : 0;
    for (uint32_t i = 0; i < n; i++)
        to->flags |= f[i].loose;
    return 0;
}

int s3p_members_merge(struct s3p_members *into, struct s3p_members *from, struct s3p_err *err)
{
    if (from->n != 0) {
        S3P_TRY(reserve(into, (uint64_t)into->n + from->n,
                        (uint64_t)into->nborders + from->nborders, err));
        for (uint32_t i = 0; i < from->n; i++) {
            into->member[into->n] = from->member[i];
            into->member[into->n++].first += into->nborders;
        }
        memcpy(into->border + into->nborders, from->border, from->nborders * sizeof *from->border);
        memcpy(into->record + into->nborders, from->record, from->nborders * sizeof *from->record);
        into->nborders += from->nborders;
    }
    s3p_members_free(from);
    return 0;
}

uint64_t s3p_members_undecided(const struct s3p_members *m, int64_t until)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < m->n; i++) {
        const struct s3p_member *at = &m->member[i];
        if (at->flags & S3P_MEMBER_ANY_ID)
            continue; /* counted where an entry leads to it */
        const struct s3p_borders there = s3p_member_there(m, at), gone = s3p_member_gone(m, at);
        n += s3p_borders_over(&there, until) && s3p_borders_over(&gone, until);
    }
    return n;
}

void s3p_members_free(struct s3p_members *m)
{
    s3p_free(m->member);
    s3p_free(m->border);
    s3p_free(m->record);
    s3p_free(m->start);
    memset(m, 0, sizeof *m);
}

/* ---- sorting ---- */

#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

static uint32_t bucket_of(const struct s3p_member *m, const struct s3p_names *names)
{
    return m->place == S3P_PART_PLACE ? 0 : m->place % names->head->buckets;
}

static int by_number(const void *va, const void *vb, void *names)
{
    const struct s3p_member *a = va, *b = vb;
    int c = CMP(bucket_of(a, names), bucket_of(b, names));
    c = c != 0 ? c : CMP(a->place, b->place);
    c = c != 0 ? c : CMP(a->index, b->index);
    return c != 0 ? c : CMP(a->id, b->id);
}

static int by_upload(const void *va, const void *vb, void *names)
{
    const struct s3p_member *a = va, *b = vb;
    (void)names;
    return a->id != b->id ? CMP(a->id, b->id) : CMP(a->index, b->index);
}

static int by_text(const void *va, const void *vb, void *arg)
{
    const struct s3p_member *a = va, *b = vb;
    struct s3p_names *names = arg;
    if (a->place == b->place && a->index == b->index)
        return CMP(a->id, b->id);
    return s3p_str_compare(s3p_name_text(names, 0, a->place, a->index),
                           s3p_name_text(names, 1, b->place, b->index));
}

/* In place: qsort_r takes as much memory again. Quicksort (Hoare), and that for what is little. */
static void sort(struct s3p_member *m, size_t n,
                 int (*compare)(const void *a, const void *b, void *names), struct s3p_names *names)
{
    enum { LITTLE = 4096 };
    while (n > LITTLE) {
        struct s3p_member pivot = m[s3p_mix64(n) % (n - 1)]; /* not the last: no part is empty */
        size_t i = 0, j = n - 1;
        for (;; i++, j--) {
            while (compare(&m[i], &pivot, names) < 0)
                i++;
            while (compare(&m[j], &pivot, names) > 0)
                j--;
            if (i >= j)
                break;
            struct s3p_member other = m[i];
            m[i] = m[j];
            m[j] = other;
        }
        size_t left = j + 1;
        bool less = left < n - left;
        sort(less ? m : m + left, less ? left : n - left, compare, names);
        m += less ? left : 0;
        n = less ? n - left : left;
    }
    qsort_r(m, n, sizeof *m, compare, names);
}

/* Members of one place, sorted. */
struct run {
    const struct s3p_member *at, *end;
};

static struct s3p_str head_text(struct s3p_names *names, int which, const struct run *r)
{
    return s3p_name_text(names, which, r->at->place, r->at->index);
}

/* How many members of the run come before `limit`. */
static size_t before(struct s3p_names *names, const struct run *r, struct s3p_str limit)
{
    size_t lo = 0, hi = (size_t)(r->end - r->at);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct s3p_member *m = &r->at[mid];
        if (s3p_str_compare(s3p_name_text(names, 0, m->place, m->index), limit) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Takes from the run that is first until another one is. */
static void merge_runs(struct run *run, uint32_t k, struct s3p_member *out, struct s3p_names *names)
{
    while (k > 0) {
        uint32_t first = 0;
        for (uint32_t i = 1; i < k; i++)
            if (s3p_str_compare(head_text(names, 0, &run[i]), head_text(names, 1, &run[first])) < 0)
                first = i;
        size_t n = (size_t)(run[first].end - run[first].at);
        for (uint32_t i = 0; i < k; i++)
            if (i != first) {
                size_t least = before(names, &run[first], head_text(names, 1, &run[i]));
                n = least < n ? least : n;
            }
        n = n == 0 ? 1 : n; /* two names of one key: whatever order */
        memcpy(out, run[first].at, n * sizeof *out);
        out += n;
        run[first].at += n;
        if (run[first].at == run[first].end)
            run[first] = run[--k];
    }
}

/* Generated keys are zero-padded: those of one length ascend with their numbers. */
static void sort_place(struct s3p_member *m, uint32_t n, struct s3p_names *names)
{
    bool *ordered = &names->ordered[m->place];
    if (*ordered)
        *ordered = s3p_name_text(names, 0, m->place, m->index).len ==
                   s3p_name_text(names, 1, m->place, m[n - 1].index).len;
    if (!*ordered)
        sort(m, n, by_text, names);
}

/* Several places of one bucket. */
static int merge_bucket(struct run *run, uint32_t k, struct s3p_member *m, uint32_t n,
                        struct s3p_names *names, struct s3p_err *err)
{
    struct s3p_member *out = s3p_alloc(n * sizeof *out);
    if (out == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "%u members of listings", n);
    merge_runs(run, k, out, names);
    memcpy(m, out, n * sizeof *out);
    s3p_free(out);
    return 0;
}

static int merge_places(struct s3p_members *m, struct s3p_names *names, struct s3p_err *err)
{
    uint32_t places = names->head->spaces * names->head->buckets;
    struct run *run = s3p_alloc(((size_t)places + 1) * sizeof *run);
    int rc = run != NULL ? 0 : s3p_fail(err, S3P_ENOMEM, 0, "%u places of listings", places);
    for (uint32_t at = 0; at < m->n && rc == 0;) {
        uint32_t k = 0, from = at;
        uint32_t bucket = bucket_of(&m->member[at], names);
        for (; at < m->n && bucket_of(&m->member[at], names) == bucket; k++) {
            uint32_t end = at;
            while (end < m->n && m->member[end].place == m->member[at].place)
                end++;
            sort_place(m->member + at, end - at, names);
            run[k] = (struct run){m->member + at, m->member + end};
            at = end;
        }
        if (k > 1)
            rc = merge_bucket(run, k, m->member + from, at - from, names, err);
    }
    s3p_free(run);
    return rc;
}

int s3p_members_sort(struct s3p_members *m, enum s3p_listing kind, struct s3p_names *names,
                     struct s3p_err *err)
{
    uint32_t buckets = names->head->buckets;
    if (m->n != 0)
        sort(m->member, m->n, kind == S3P_LIST_PARTS ? by_upload : by_number, names);
    if (m->n != 0 && kind != S3P_LIST_PARTS)
        S3P_TRY(merge_places(m, names, err));
    m->start = s3p_calloc((size_t)buckets + 2, sizeof *m->start);
    if (m->start == NULL)
        return s3p_fail(err, S3P_ENOMEM, 0, "members of %u buckets", buckets);
    for (uint32_t i = 0; i < m->n; i++)
        m->start[bucket_of(&m->member[i], names) + 1]++;
    for (uint32_t b = 0; b < buckets + 1; b++)
        m->start[b + 1] += m->start[b];
    return 0;
}
