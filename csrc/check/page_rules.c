/* What a page must look like, whatever is in the bucket. */
#include "check/page.h"

#include "check/mutate.h"
#include "s3/op.h"

#define COL(s, type, name) ((const type *)(s)->column[S3P_COL_##name])

static int hit(struct s3p_lister *w, enum s3p_rule rule, struct s3p_item *it,
               struct s3p_err *err)
{
    uint32_t before = S3P_NO_RECORD;
    if (it != NULL)
        it->wrong = rule != S3P_RULE_LIST_ORDER;
    if (w->linked) {
        const struct s3p_page *p = &w->lists->page[w->page->before];
        before = (uint32_t)(s3p_histfile_segment(w->lists->file, p->segment)->first_record +
                            p->position);
    }
    return s3p_page_hit(w, rule, it, NULL, &before, 1, err);
}

/* Is it behind the marker? Keys that a marker inside a common prefix leaves open are let be. */
static int check_start(struct s3p_lister *w, struct s3p_item *it, struct s3p_err *err)
{
    if (S3P_ON(PAGE_START_OFF, !w->anchored || w->start.len == 0) ||
        w->lists->head->key_order_other)
        return 0;
    if (w->page->kind == S3P_LIST_PARTS) {
        uint64_t marker = s3p_part_marker(w->start);
        return S3P_MUT(S3P_MUT_PAGE_PART_MARKER_GE, it->index > marker, it->index >= marker)
                   ? 0
                   : hit(w, S3P_RULE_LIST_RANGE, it, err);
    }
    struct s3p_str text = s3p_item_text(w, 0, it);
    int c = s3p_str_compare(text, w->start);
    if (S3P_LT(PAGE_BEHIND_LE, 0, c) || S3P_OFF(PAGE_INSIDE_OFF, (c == 0 && w->inside)))
        return 0;
    if (it->prefix && !(c == 0 && w->linked) &&
        S3P_OFF(PAGE_ROLLED_OFF, s3p_str_begins(w->start, text)))
        return 0;
    bool again = S3P_OFF(PAGE_BORDER_OFF, c == 0 && w->linked);
    return hit(w, again ? S3P_RULE_LIST_DUPLICATE : S3P_RULE_LIST_RANGE, it, err);
}

/* Has it the prefix, and is it rolled up? `last`: place of the key before it, which was right. */
static int check_prefix(struct s3p_lister *w, struct s3p_item *it, uint32_t *last,
                        struct s3p_err *err)
{
    if (w->page->kind == S3P_LIST_PARTS || (w->args.prefix.len == 0 && w->args.delimiter.len == 0))
        return S3P_OFF(PAGE_NO_DELIMITER_OFF, it->prefix) ? hit(w, S3P_RULE_LIST_RANGE, it, err)
                                                          : 0;
    if (it->known && w->args.delimiter.len == 0) {
        if (*last == it->place)
            return 0;
        uint32_t space = it->place / w->lists->head->buckets;
        if (S3P_ON(PAGE_SPACE_ANY,
                   s3p_str_begins(s3p_head_space_prefix(w->lists->head, space), w->args.prefix))) {
            *last = it->place; /* all of its keys begin so */
            return 0;
        }
    }
    struct s3p_str text = s3p_item_text(w, 0, it);
    bool right = S3P_ON(PAGE_PREFIX_OFF, s3p_str_begins(text, w->args.prefix));
    if (right)
        right = S3P_ON(PAGE_ROLL_OFF, s3p_page_roll(w, text).len == (it->prefix ? text.len : 0)) &&
                (!it->prefix || S3P_ON(PAGE_ROLL_GE, text.len > w->args.prefix.len));
    return right ? 0 : hit(w, S3P_RULE_LIST_RANGE, it, err);
}

/* What the page says of itself: how many entries it has, common prefixes among them, and that it
 * is the last one. Uploads, versions and parts may name a marker all the same. */
static int check_count(struct s3p_lister *w, struct s3p_err *err)
{
    int64_t count = COL(w->s, int64_t, counter)[w->i];
    bool counted = S3P_MUT(S3P_MUT_PAGE_COUNT_OFF, count == INT64_MIN || count == w->n, true) ||
                   S3P_MUT(S3P_MUT_PAGE_COUNT_LE, false, count < w->n);
    bool ended = w->truncated || S3P_MUT(S3P_MUT_PAGE_TOKEN_OFF, w->next.token.len == 0, true) ||
                 w->page->kind != S3P_LIST_OBJECTS;
    return counted && ended ? 0 : hit(w, S3P_RULE_LIST_INCONSISTENT, NULL, err);
}

/* Whether the page says to go on before its last key. With a delimiter some clients make a marker
 * up. */
static bool goes_back(struct s3p_lister *w, const struct s3p_item *last)
{
    struct s3p_str next = w->next.start;
    if (last == NULL || w->next.token.len != 0 || next.len == 0 || w->args.delimiter.len != 0 ||
        w->lists->head->key_order_other)
        return false;
    if (w->page->kind == S3P_LIST_PARTS)
        return S3P_LT(PAGE_PART_BACK_LE, s3p_part_marker(next), last->index);
    return S3P_LT(PAGE_BACK_LE, s3p_str_compare(next, s3p_item_text(w, 0, last)), 0);
}

static int check_next(struct s3p_lister *w, const struct s3p_item *last, struct s3p_err *err)
{
    S3P_TRY(check_count(w, err));
    if (!w->truncated)
        return 0;
    const struct s3p_page_args *a = &w->args, *b = &w->next;
    bool none = b->token.len == 0 && b->start.len == 0;
    bool back = b->token.len != 0 ? s3p_str_compare(b->token, a->token) == 0
                                  : s3p_str_compare(b->start, a->start) == 0 &&
                                        s3p_str_compare(b->id, a->id) == 0;
    return S3P_OFF(PAGE_NO_NEXT_OFF, none) || S3P_OFF(PAGE_SAME_NEXT_OFF, back) ||
                   goes_back(w, last)
               ? hit(w, S3P_RULE_LIST_NO_PROGRESS, NULL, err)
               : 0;
}

int s3p_page_structure(struct s3p_lister *w, bool *sorted, struct s3p_err *err)
{
    const struct s3p_item *last[2] = {NULL, NULL};
    uint32_t place = UINT32_MAX;
    bool pairs = w->page->kind == S3P_LIST_VERSIONS || w->page->kind == S3P_LIST_UPLOADS;
    bool any_order = w->lists->head->key_order_other && w->page->kind != S3P_LIST_PARTS;
    *sorted = true;
    for (uint32_t i = 0; i < w->n; i++) {
        struct s3p_item *it = &w->item[i];
        const struct s3p_item *before = last[it->prefix];
        int c = before != NULL ? s3p_item_compare(w, before, it) : -1;
        if (S3P_OFF(PAGE_ORDER_OFF, S3P_LT(PAGE_ORDER_LE, 0, c) && !any_order))
            S3P_TRY(hit(w, S3P_RULE_LIST_ORDER, it, err));
        if (S3P_OFF(PAGE_DUPLICATE_OFF, c == 0 && (!pairs || it->prefix)))
            S3P_TRY(hit(w, S3P_RULE_LIST_DUPLICATE, it, err));
        *sorted &= c <= 0;
        if (before == NULL || S3P_LT(PAGE_START_LE, 0, c))
            S3P_TRY(check_start(w, it, err));
        S3P_TRY(check_prefix(w, it, &place, err));
        last[it->prefix] = it;
    }
    *sorted &= last[1] == NULL || last[0] == NULL;
    if (S3P_MUT(S3P_MUT_PAGE_LIMIT_GE, w->n > w->args.max, w->n >= w->args.max))
        S3P_TRY(hit(w, S3P_RULE_LIST_OVER_LIMIT, NULL, err));
    return check_next(w, last[0], err);
}
