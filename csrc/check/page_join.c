/* Does a page name what it must, and nothing that it must not? A merge join of its entries with
 * the members of its range. */
#include <stdlib.h>
#include <string.h>

#include "check/mutate.h"
#include "check/page.h"
#include "core/text.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])
#define CMP(x, y) (((x) > (y)) - ((x) < (y)))

struct join {
    struct s3p_lister *w;
    const struct s3p_members *set;
    uint32_t at, end; /* members that are left of the range */
    uint32_t i;       /* items */
    bool keys;        /* objects without a delimiter: the fast way */
};

/* What is judged at once: the members of one key, or of one common prefix. */
struct unit {
    uint32_t from, to;
    struct s3p_str rolled; /* empty: a key */
};

/* ---- claims ---- */

/* Whether one of the windows, then `*v`, holds all of the page, so that a claim contradicts it. An
 * eventual listing may be late: how late is noted. */
static bool contradicts(struct s3p_lister *w, const struct s3p_borders *b, int64_t from,
                        struct s3p_span *v)
{
    const struct s3p_head *h = w->lists->head;
    bool of_uploads = w->page->kind == S3P_LIST_UPLOADS || w->page->kind == S3P_LIST_PARTS;
    int64_t lag = of_uploads ? h->mpu_lag_ns : h->list_lag_ns;
    if (s3p_borders_over(b, w->to) || !s3p_borders_find(b, from, w->to, v))
        return false;
    if (v->from == INT64_MIN || lag == 0)
        return true;
    int64_t late = from - v->from;
    w->tally->list_lag_ns = late > w->tally->list_lag_ns ? late : w->tally->list_lag_ns;
    return S3P_ON(JOIN_LAG_OFF, S3P_LT(JOIN_LAG_LE, lag, late));
}

/* Before its first entry the page before may have looked for it, too. */
static bool must_be_there(const struct join *j, const struct s3p_member *m, struct s3p_span *v)
{
    const struct s3p_borders b = s3p_member_there(j->set, m);
    return contradicts(j->w, &b, S3P_OFF(JOIN_LOOKED_OFF, j->i == 0) ? j->w->looked : j->w->from,
                       v);
}

static bool must_be_gone(const struct join *j, const struct s3p_member *m, struct s3p_span *v)
{
    const struct s3p_borders b = s3p_member_gone(j->set, m);
    return contradicts(j->w, &b, j->w->from, v);
}

/* The evidence of the first window; of one since ever there is none. */
static uint32_t first_evidence(const struct join *j, const struct s3p_member *m)
{
    const struct s3p_borders there = s3p_member_there(j->set, m), gone = s3p_member_gone(j->set, m);
    return s3p_borders_window(there.n != 0 ? &there : &gone, 0).record;
}

static int missing(const struct join *j, const struct s3p_member *m, struct s3p_err *err)
{
    struct s3p_span v;
    bool there = must_be_there(j, m, &v);
    bool tail = j->w->n != 0 && S3P_OFF(JOIN_TAIL_OFF, j->i == j->w->n) && !j->w->truncated;
    if (S3P_ON(JOIN_MISSING_OFF, !there))
        return 0;
    return s3p_page_hit(j->w, tail ? S3P_RULE_LIST_TRUNCATED_END : S3P_RULE_LIST_MISSING, NULL, m,
                        &v.record, 1, err);
}

static int phantom(const struct join *j, const struct s3p_item *it, const struct s3p_member *m,
                   struct s3p_err *err)
{
    struct s3p_span v;
    bool gone = must_be_gone(j, m, &v);
    return S3P_ON(JOIN_PHANTOM_OFF, !gone)
               ? 0
               : s3p_page_hit(j->w, S3P_RULE_LIST_PHANTOM, it, m, &v.record, 1, err);
}

/* An entry that is no member: nobody ever made it, unless it is no name of the plan. */
static int nobodys(const struct join *j, const struct s3p_item *it, struct s3p_err *err)
{
    if (S3P_OFF(JOIN_NOBODYS_OFF, it->known))
        return s3p_page_hit(j->w, S3P_RULE_LIST_PHANTOM, it, NULL, NULL, 0, err);
    s3p_tally_skip(j->w->tally, S3P_WHY_LIST_NEGATIVES, 0, 1);
    return 0;
}

/* ---- the order of names ---- */

static struct s3p_str member_text(struct s3p_lister *w, const struct s3p_member *m)
{
    return s3p_name_text(&w->names, 0, m->place, m->index);
}

static int compare(struct s3p_lister *w, const struct s3p_member *m, const struct s3p_item *it)
{
    if (it->known && m->place == it->place &&
        (m->index == it->index || m->place == S3P_PART_PLACE || w->names.ordered[m->place]))
        return CMP(m->index, it->index);
    return s3p_str_compare(member_text(w, m), s3p_item_text(w, 1, it));
}

/* How a member stands to a text: behind it, not before it, not before it and without it as its
 * beginning. Each is false, then true along the order. */
enum bound { BEHIND, FROM, PAST };

static bool reached(struct s3p_lister *w, const struct s3p_member *m, struct s3p_str text,
                    enum bound bound)
{
    struct s3p_str key = member_text(w, m);
    int c = s3p_str_compare(key, text);
    if (bound == BEHIND)
        return S3P_MUT(S3P_MUT_JOIN_BEHIND_GE, c > 0, c >= 0);
    return S3P_LE(JOIN_FROM_LT, 0, c) &&
           (bound == FROM || S3P_ON(JOIN_PAST_OFF, !s3p_str_begins(key, text)));
}

static uint32_t find(const struct join *j, uint32_t lo, uint32_t hi, struct s3p_str text,
                     enum bound bound)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (reached(j->w, &j->set->member[mid], text, bound))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

/* The first member that is not before the entry. */
static uint32_t find_item(const struct join *j, uint32_t lo, uint32_t hi, const struct s3p_item *it)
{
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (compare(j->w, &j->set->member[mid], it) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* ---- the range ---- */

static bool parts_range(struct join *j)
{
    const struct s3p_lister *w = j->w;
    uint64_t id =
        s3p_id_token(s3p_segment_text(w->s, COL(w->s, uint32_t, upload_id)[w->i])), marker = 0;
    if (w->behind.len != 0 && !s3p_parse_u64(w->behind.p, w->behind.len, &marker))
        return false;
    uint32_t lo = 0, hi = j->set->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        const struct s3p_member *m = &j->set->member[mid];
        if (m->id < id ||
            (m->id == id &&
             S3P_MUT(S3P_MUT_JOIN_PART_MARKER_LT, m->index <= marker, m->index < marker)))
            lo = mid + 1;
        else
            hi = mid;
    }
    for (j->at = j->end = lo; j->end < j->set->n && j->set->member[j->end].id == id;)
        j->end++;
    return id != 0;
}

static void keys_range(struct join *j)
{
    struct s3p_lister *w = j->w;
    uint16_t bucket = COL(w->s, uint16_t, bucket)[w->i];
    uint32_t lo = j->set->start[bucket], hi = j->set->start[bucket + 1];
    if (w->args.prefix.len != 0) {
        lo = find(j, lo, hi, w->args.prefix, FROM);
        hi = w->truncated ? hi : find(j, lo, hi, w->args.prefix, PAST);
    }
    if (S3P_OFF(JOIN_UNANCHORED_OFF, !w->anchored))
        lo = find_item(j, lo, hi, &w->item[0]);
    else if (w->behind.len != 0)
        lo = find(j, lo, hi, w->behind,
                  S3P_OFF(JOIN_INSIDE_OFF, w->inside) && s3p_str_same(w->behind, w->start)
                      ? FROM
                      : BEHIND);
    j->at = lo;
    j->end = hi;
}

/* ---- versions and uploads of one key ---- */

static int64_t born_after(const struct join *j, const struct s3p_member *m)
{
    const struct s3p_borders gone = s3p_member_gone(j->set, m);
    return gone.since ? s3p_borders_window(&gone, 0).to : INT64_MIN;
}

static int64_t born_by(const struct join *j, const struct s3p_member *m)
{
    return m->there != 0 ? j->set->border[m->first] : INT64_MAX;
}

/* Must `a` be listed before `b`? Newer versions come first, older uploads. */
static bool goes_first(const struct join *j, const struct s3p_member *a, const struct s3p_member *b)
{
    if (a == NULL || b == NULL ||
        S3P_OFF(JOIN_LOOSE_OFF, ((a->flags | b->flags) & S3P_MEMBER_LOOSE)))
        return false;
    if (j->w->page->kind == S3P_LIST_VERSIONS)
        return S3P_MUT(S3P_MUT_JOIN_NEWER_GE, born_after(j, a) > born_by(j, b),
                       born_after(j, a) >= born_by(j, b));
    return S3P_MUT(S3P_MUT_JOIN_OLDER_LE, born_by(j, a) < born_after(j, b),
                   born_by(j, a) <= born_after(j, b));
}

static const struct s3p_member *sibling(const struct join *j, const struct unit *u, uint64_t id)
{
    uint32_t lo = u->from, hi = u->to;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (j->set->member[mid].id < id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < u->to && j->set->member[lo].id == id ? &j->set->member[lo] : NULL;
}

static struct s3p_str id_of(const struct join *j, const struct s3p_item *it)
{
    struct s3p_str id = s3p_segment_text(j->w->s, it->entry->version_id);
    return id.len == 0 && j->w->page->kind == S3P_LIST_VERSIONS ? S3P_STR("null") : id;
}

static int by_id(const void *a, const void *b)
{
    return CMP(*(const uint64_t *)a, *(const uint64_t *)b);
}

/* Is the state of every sibling the same throughout the page? */
static bool is_quiet(const struct join *j, const struct unit *u)
{
    for (uint32_t k = u->from; k < u->to; k++) {
        const struct s3p_member *m = &j->set->member[k];
        const struct s3p_borders there = s3p_member_there(j->set, m),
                                 gone = s3p_member_gone(j->set, m);
        struct s3p_span v;
        bool settled = s3p_borders_find(&there, j->w->from, j->w->to, &v) ||
                       s3p_borders_find(&gone, j->w->from, j->w->to, &v);
        if (!settled || (m->flags & S3P_MEMBER_REPEATS)) /* written again, it moves */
            return false;
    }
    return true;
}

static int judge_latest(const struct join *j, const struct unit *u, uint32_t from, uint32_t to,
                        struct s3p_err *err)
{
    for (uint32_t i = from; i < to; i++) {
        bool latest = (j->w->item[i].entry->flags & S3P_ENTRY_LATEST) != 0;
        if (S3P_OFF(JOIN_LATEST_OFF, latest != (i == from)) &&
            S3P_ON(JOIN_QUIET_OFF, is_quiet(j, u)))
            return s3p_page_hit(j->w, S3P_RULE_LIST_LATEST, &j->w->item[i], NULL, NULL, 0, err);
    }
    return 0;
}

/* Members between the marker and the last entry, as far as their order is known. */
static int judge_absent(const struct join *j, const struct unit *u, const struct s3p_member *lower,
                        bool has_lower, const struct s3p_member *upper, bool has_upper, uint32_t n,
                        struct s3p_err *err)
{
    for (uint32_t k = u->from; k < u->to; k++) {
        const struct s3p_member *m = &j->set->member[k];
        if (m->id == 0 || bsearch(&m->id, j->w->token, n, sizeof m->id, by_id) != NULL)
            continue;
        if (S3P_OFF(JOIN_LOWER_OFF, (has_lower && !goes_first(j, lower, m))) ||
            S3P_OFF(JOIN_UPPER_OFF, (has_upper && !goes_first(j, m, upper))))
            continue;
        S3P_TRY(missing(j, m, err));
    }
    return 0;
}

/* What a page has listed of one key so far. */
struct listed {
    const struct s3p_member *last;  /* NULL: no entry, or none has its id */
    const struct s3p_member *bound; /* of the entries so far the one that must be listed first */
    const struct s3p_item *item;    /* of `last` */
};

static void note_listed(const struct join *j, struct listed *l, const struct s3p_member *m,
                        const struct s3p_item *it)
{
    bool versions = j->w->page->kind == S3P_LIST_VERSIONS;
    l->last = m;
    l->item = it;
    if (m == NULL || (m->flags & S3P_MEMBER_LOOSE))
        return;
    bool earlier = l->bound == NULL || (versions ? born_by(j, m) < born_by(j, l->bound)
                                                 : born_after(j, m) > born_after(j, l->bound));
    if (S3P_ON(JOIN_BOUND_OFF, earlier))
        l->bound = m;
}

static int judge_times(const struct join *j, const struct listed *l, const struct s3p_item *it,
                       const struct s3p_member *m, struct s3p_err *err)
{
    if (j->w->page->kind != S3P_LIST_VERSIONS || !goes_first(j, l->last, m))
        return 0;
    int64_t newer = l->item->entry->last_modified_ns, older = it->entry->last_modified_ns;
    int64_t slack = j->w->lists->head->last_modified_slack_ns;
    bool backwards = newer != 0 && S3P_LT(JOIN_TIMES_LE, slack, older - newer);
    if (S3P_ON(JOIN_TIMES_OFF, !backwards))
        return 0;
    uint32_t records[2] = {first_evidence(j, l->last), first_evidence(j, m)};
    return s3p_page_hit(j->w, S3P_RULE_LAST_MODIFIED, l->item, l->last, records, 2, err);
}

/* An entry of a version or an upload, and its member, if one has its id, among the other entries
 * of its key. */
static int judge_entry(const struct join *j, const struct unit *u, const struct s3p_item *it,
                       uint64_t id, struct listed *l, struct s3p_err *err)
{
    const struct s3p_member *bound = l->bound, *m = sibling(j, u, id), *any = sibling(j, u, 0);
    const struct s3p_member *claim = m != NULL ? m : any;
    struct s3p_span v;
    if (m == NULL && any != NULL && !must_be_gone(j, any, &v))
        s3p_tally_skip(j->w->tally, S3P_WHY_LIST_NEGATIVES, 0, 1); /* perhaps one of unknown id */
    S3P_TRY(claim != NULL ? phantom(j, it, claim, err) : nobodys(j, it, err));
    S3P_TRY(judge_times(j, l, it, m, err));
    note_listed(j, l, m, it);
    if (S3P_ON(JOIN_ORDER_OFF, !goes_first(j, m, bound)))
        return 0;
    uint32_t records[2] = {first_evidence(j, bound), first_evidence(j, m)};
    return s3p_page_hit(j->w, S3P_RULE_LIST_ORDER, it, m, records, 2, err);
}

/* What a page goes on behind. NULL if it may be gone by then: the store may go on anywhere. */
static const struct s3p_member *stays(const struct join *j, const struct s3p_member *m)
{
    struct s3p_span v;
    if (m == NULL)
        return NULL;
    const struct s3p_borders there = s3p_member_there(j->set, m);
    bool held = s3p_borders_find(&there, j->w->from, j->w->to, &v);
    return held ? m : NULL;
}

/* Whether the page after this one may go on inside its last key. One that is asked for with that
 * key, and no id, begins behind all that the key has. */
static bool goes_on_inside(struct s3p_lister *w)
{
    bool skips = w->next.id.len == 0 &&
                 s3p_str_compare(w->next.start, s3p_item_text(w, 1, &w->item[w->n - 1])) >= 0;
    return S3P_ON(JOIN_GOES_ON_OFF, !skips);
}

/* Items [from, to), perhaps none, of one key against its members. */
static int judge_siblings(struct join *j, const struct unit *u, uint32_t from, uint32_t to,
                          struct s3p_err *err)
{
    struct s3p_lister *w = j->w;
    const struct s3p_member *lower = NULL;
    struct listed l = {NULL, NULL, NULL};
    bool has_lower = false;
    bool has_upper = w->truncated && to == w->n && goes_on_inside(w);
    if (w->inside)
        has_lower = s3p_str_compare(member_text(w, &j->set->member[u->from]), w->start) == 0;
    if (has_lower)
        lower = stays(j, sibling(j, u, s3p_id_token(w->args.id)));
    for (uint32_t i = from; i < to; i++) {
        struct s3p_str id = id_of(j, &w->item[i]);
        w->token[i - from] = s3p_id_token(id);
        S3P_TRY(judge_entry(j, u, &w->item[i], w->token[i - from], &l, err));
    }
    qsort(w->token, to - from, sizeof *w->token, by_id);
    for (uint32_t i = 1; i < to - from; i++)
        if (S3P_OFF(JOIN_DUPLICATE_OFF, w->token[i] == w->token[i - 1]))
            S3P_TRY(s3p_page_hit(w, S3P_RULE_LIST_DUPLICATE, &w->item[from], NULL, NULL, 0, err));
    if (w->page->kind == S3P_LIST_VERSIONS && S3P_ON(JOIN_LATEST_INSIDE, !has_lower))
        S3P_TRY(judge_latest(j, u, from, to, err));
    return judge_absent(j, u, lower, has_lower, l.last, has_upper, to - from, err);
}

/* ---- one unit ---- */

static struct unit next_unit(const struct join *j)
{
    struct s3p_lister *w = j->w;
    const struct s3p_member *m = &j->set->member[j->at];
    struct unit u = {j->at, j->at + 1, S3P_STR("")};
    if (j->keys || w->page->kind == S3P_LIST_PARTS)
        return u;
    struct s3p_str rolled = s3p_page_roll(w, member_text(w, m));
    if (rolled.len != 0) {
        s3p_buf_clear(&w->rolled_text);
        s3p_buf_view(&w->rolled_text, rolled);
        u.rolled = (struct s3p_str){w->rolled_text.data, w->rolled_text.len};
        u.to = find(j, u.from + 1, j->end, u.rolled, PAST);
        return u;
    }
    while (u.to < j->end && j->set->member[u.to].index == m->index &&
           j->set->member[u.to].place == m->place)
        u.to++;
    return u;
}

static int compare_unit(const struct join *j, const struct unit *u, const struct s3p_item *it)
{
    if (u->rolled.len == 0)
        return compare(j->w, &j->set->member[u->from], it);
    return s3p_str_compare(u->rolled, s3p_item_text(j->w, 1, it));
}

/* A member that had to be listed, itself or by its prefix: one is enough. */
static int judge_unlisted(const struct join *j, const struct unit *u, struct s3p_err *err)
{
    struct s3p_span v;
    for (uint32_t k = u->from; k < u->to; k++)
        if (S3P_OFF(JOIN_UNLISTED_OFF, must_be_there(j, &j->set->member[k], &v)))
            return missing(j, &j->set->member[k], err);
    return 0;
}

static int judge_prefix(const struct join *j, const struct unit *u, const struct s3p_item *it,
                        struct s3p_err *err)
{
    struct s3p_span v;
    for (uint32_t k = u->from; k < u->to; k++)
        if (S3P_MUT(S3P_MUT_JOIN_PREFIX_FIRST, !must_be_gone(j, &j->set->member[k], &v),
                    k == u->from && !must_be_gone(j, &j->set->member[k], &v)))
            return 0;
    return phantom(j, it, &j->set->member[u->from], err);
}

/* The unit is next, and at most the items [i, to) are its own. */
static int judge_unit(struct join *j, const struct unit *u, uint32_t to, struct s3p_err *err)
{
    const struct s3p_lister *w = j->w;
    bool pairs = w->page->kind == S3P_LIST_VERSIONS || w->page->kind == S3P_LIST_UPLOADS;
    if (u->rolled.len == 0 && pairs)
        return judge_siblings(j, u, j->i, to, err);
    if (to == j->i)
        return judge_unlisted(j, u, err);
    const struct s3p_item *it = &w->item[j->i];
    return u->rolled.len != 0 ? judge_prefix(j, u, it, err)
                              : phantom(j, it, &j->set->member[u->from], err);
}

/* Entries and keys one by one, as long as they are the same. */
static int walk_fast(struct join *j, struct s3p_err *err)
{
    const struct s3p_lister *w = j->w;
    while (j->at < j->end && j->i < w->n) {
        const struct s3p_member *m = &j->set->member[j->at];
        const struct s3p_item *it = &w->item[j->i];
        if (!it->known || m->index != it->index || m->place != it->place)
            return 0;
        if (S3P_OFF(JOIN_FAST_OFF, m->gone != 0 || (m->flags & S3P_MEMBER_FRESH)))
            S3P_TRY(phantom(j, it, m, err));
        j->at++;
        j->i++;
    }
    return 0;
}

static int step(struct join *j, struct s3p_err *err)
{
    struct s3p_lister *w = j->w;
    struct unit u = j->at < j->end ? next_unit(j) : (struct unit){0};
    if (u.rolled.len != 0 && w->anchored &&
        S3P_MUT(S3P_MUT_JOIN_ROLLED_LT, s3p_str_compare(u.rolled, w->behind) <= 0,
                s3p_str_compare(u.rolled, w->behind) < 0)) {
        j->at = u.to; /* rolled up into what the marker is behind of */
        return 0;
    }
    int c = j->at == j->end ? 1 : j->i == w->n ? -1 : compare_unit(j, &u, &w->item[j->i]);
    if (c > 0 || (c == 0 && w->item[j->i].prefix != (u.rolled.len != 0)))
        return nobodys(j, &w->item[j->i++], err);
    uint32_t to = j->i + (c == 0);
    while (c == 0 && to < w->n && s3p_item_compare(w, &w->item[j->i], &w->item[to]) == 0)
        to++;
    S3P_TRY(judge_unit(j, &u, to, err));
    j->at = u.to;
    j->i = to;
    return 0;
}

int s3p_page_membership(struct s3p_lister *w, struct s3p_err *err)
{
    struct join j = {.w = w, .set = &w->lists->set[w->page->kind]};
    bool objects = w->page->kind == S3P_LIST_OBJECTS;
    j.keys = objects && w->args.delimiter.len == 0;
    if (w->n == 0 && (w->truncated || !w->anchored || w->args.max == 0))
        return 0; /* it covers nothing */
    if (w->page->kind != S3P_LIST_PARTS)
        keys_range(&j);
    else if (!parts_range(&j))
        return 0;
    while (j.i < w->n || (S3P_ON(JOIN_TRUNCATED_OFF, !w->truncated) && j.at < j.end)) {
        if (j.keys)
            S3P_TRY(walk_fast(&j, err));
        if (j.i < w->n || (!w->truncated && j.at < j.end))
            S3P_TRY(step(&j, err));
    }
    return 0;
}
